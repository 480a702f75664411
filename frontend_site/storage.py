"""The storage of static files in production."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Names carry a hash of the content, so browsers may keep them for ever.

    Also in `import ... from "./other.js"`: a new auth.js must never meet an old gatehouse.js.
    """

    support_js_module_import_aggregation = True
