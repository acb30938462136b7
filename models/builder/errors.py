"""Why a build stops; each message says what to do next."""


class BuildError(Exception):
    """The models could not be built."""


class DownloadFailed(BuildError):
    """A registry's client did not bring the package."""


class TamperedDownload(BuildError):
    """An archive is not the one the manifest names."""


class WrongGraph(BuildError):
    """A converted network differs from its reference, or from what the manifest states."""
