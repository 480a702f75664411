"""The published contract, to hold real answers to."""

from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

PATH = Path(__file__).resolve().parents[1] / "docs" / "reference" / "openapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(PATH.read_text())


def check_answer(method: str, path: str, status: int, body: Any) -> None:
    """Raise jsonschema.ValidationError when an answer is not what the document says."""
    answers = DOCUMENT["paths"][path][method.lower()]["responses"]
    answer = answers.get(str(status)) or answers["default"]
    content = answer.get("content")
    if content is None:
        if body:
            raise ValueError(f"{method} {path}: {status} has no body")
        return
    (media,) = content.values()
    schema = {**media["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(body)
