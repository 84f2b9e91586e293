"""What anybody may read: GET /rules.schema.json, by which editors complete, explain and check rule files."""

import json

from flask import Blueprint, Response

from connector.mapping.language import schema


def create_blueprint() -> Blueprint:
    """The route of the schema."""
    bp = Blueprint("published", __name__)
    text = json.dumps(schema(), indent=2, ensure_ascii=False)

    @bp.get("/rules.schema.json")
    def rules_schema() -> Response:
        answer = Response(text, content_type="application/schema+json; charset=utf-8")
        answer.headers["Cache-Control"] = "public, max-age=300"
        answer.headers["Access-Control-Allow-Origin"] = "*"  # for editors that run in a browser
        return answer

    return bp
