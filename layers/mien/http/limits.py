"""What a request may hold. API Gateway takes 10 MB and hands a function at most 6 MB, base64 included."""

MAX_IMAGE_BYTES = 4 * 1024 * 1024
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_EVENT_BYTES = 6 * 1024 * 1024
MAX_FACES = 1000

UPLOAD_SECONDS = 30
FUNCTION_SECONDS = 28

AUTHORIZER_CACHE_SECONDS = 60
