"""An app as people write them with Flask, and its handler by serverless-wsgi."""

from typing import Any

import serverless_wsgi
from flask import Flask, Response, jsonify, redirect, request

app = Flask(__name__)


@app.get("/pets/<pet_id>")
def read(pet_id: str) -> Response:
    cookie, who = request.cookies.get("seen", ""), request.headers.get("x-who", "")
    return jsonify(id=pet_id, tag=request.args.get("tag", ""), seen=cookie, who=who)


@app.post("/pets")
def make() -> Response:
    pet: Any = request.get_json()
    if not isinstance(pet.get("age"), int):
        return Response("a pet has an age", 422)
    answer = jsonify(name=pet["name"])
    answer.status_code = 201
    answer.set_cookie("seen", "yes")
    answer.set_cookie("twice", "yes")
    return answer


@app.put("/echo")
def echo() -> Response:
    return Response(request.get_data(), mimetype="application/octet-stream")


@app.get("/away")
def away() -> Any:
    return redirect("/pets/1", 303)


def handler(event: Any, context: Any) -> Any:
    return serverless_wsgi.handle_request(app, event, context)
