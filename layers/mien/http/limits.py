"""What a request may hold. API Gateway takes 10 MB and hands a function at most 6 MB, base64 included."""

MAX_IMAGE_BYTES = 4 * 1024 * 1024
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_EVENT_BYTES = 6 * 1024 * 1024
MAX_FORM_PARTS = 1000
MAX_FACES = 1000
MAX_PAGE = 1000
MAX_ADDITIONAL_IMAGES = 4

UPLOAD_SECONDS = 30
FUNCTION_SECONDS = 28
HIDDEN_SECONDS = 6 * FUNCTION_SECONDS
"""How long a queue keeps a message to whom it handed it; AWS asks for six times what its function may take."""

AUTHORIZER_CACHE_SECONDS = 60
ROTATION_HOURS = 24
"""How long the old secret of a rotated key still opens the door."""
