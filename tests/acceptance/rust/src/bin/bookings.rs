//! Bookings of rooms over HTTP: lambda_http behind a function URL, bodies by serde.
use lambda_http::{http::StatusCode, run, service_fn, tracing, Body, Error, Request, RequestExt, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Booking {
    guest: String,
    nights: u32,
}

#[derive(Serialize)]
struct Booked<'a> {
    guest: &'a str,
    cents: u32,
}

const CENTS_A_NIGHT: u32 = 8_950;

fn answer(status: StatusCode, body: &impl Serialize) -> Result<Response<Body>, Error> {
    let made = Response::builder().status(status).header("content-type", "application/json");
    Ok(made.header("set-cookie", "seen=yes; Path=/").body(serde_json::to_string(body)?.into())?)
}

fn book(body: &[u8]) -> Result<Response<Body>, Error> {
    match serde_json::from_slice::<Booking>(body) {
        Ok(Booking { nights: 0, .. }) => answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({"problem": "no nights"})),
        Ok(Booking { guest, nights }) => {
            tracing::info!(%guest, nights, "booked");
            answer(StatusCode::CREATED, &Booked { guest: &guest, cents: nights * CENTS_A_NIGHT })
        }
        Err(error) => answer(StatusCode::BAD_REQUEST, &json!({"problem": error.to_string()})),
    }
}

async fn serve(request: Request) -> Result<Response<Body>, Error> {
    match (request.method().as_str(), request.uri().path()) {
        ("POST", "/bookings") => book(request.body()),
        ("GET", "/hello") => {
            let query = request.query_string_parameters();
            answer(StatusCode::OK, &json!({"hello": query.first("name").unwrap_or("stranger")}))
        }
        _ => answer(StatusCode::NOT_FOUND, &json!({"problem": "no such page"})),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    run(service_fn(serve)).await
}
