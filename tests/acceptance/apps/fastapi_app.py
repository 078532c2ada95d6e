"""An app as people write them with FastAPI, and its handler by Mangum."""

from typing import Annotated

from fastapi import Cookie, FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from mangum import Mangum
from pydantic import BaseModel

app = FastAPI()


class Pet(BaseModel):
    name: str
    age: int


@app.get("/pets/{pet_id}")
def read(pet_id: str, request: Request, tag: str = "", seen: Annotated[str, Cookie()] = "") -> dict[str, object]:
    return {"id": pet_id, "tag": tag, "seen": seen, "who": request.headers.get("x-who", "")}


@app.post("/pets", status_code=201)
def make(pet: Pet) -> Response:
    answer = JSONResponse({"name": pet.name}, status_code=201)
    answer.set_cookie("seen", "yes")
    answer.set_cookie("twice", "yes")
    return answer


@app.put("/echo")
async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type="application/octet-stream")


@app.get("/away")
def away() -> Response:
    return RedirectResponse("/pets/1", status_code=303)


handler = Mangum(app)
