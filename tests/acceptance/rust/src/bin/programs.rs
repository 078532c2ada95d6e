//! What a function in Rust may do, one handler each; the function's Handler says which.
use bytes::Bytes;
use futures::stream;
use lambda_runtime::{
    run, service_fn, spawn_graceful_shutdown_handler, streaming::Response, tracing, Diagnostic, Error, LambdaEvent,
};
use serde::Deserialize;
use serde_json::{json, Value};
use std::{env, time::Duration};

#[derive(Deserialize)]
struct Wish {
    #[serde(rename = "do", default)]
    what: String,
    #[serde(default)]
    path: String,
}

#[derive(Debug)]
struct Refusal(&'static str);

impl From<Refusal> for Diagnostic {
    fn from(refusal: Refusal) -> Diagnostic {
        Diagnostic { error_type: "Shop.Refusal".into(), error_message: format!("refused: {}", refusal.0) }
    }
}

async fn echo(event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(event.payload)
}

async fn about(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let context = event.context;
    let left = context.deadline().duration_since(std::time::SystemTime::now())?;
    Ok(json!({
        "event": event.payload,
        "requestId": context.request_id,
        "arn": context.invoked_function_arn,
        "app": context.client_context.map(|each| each.client.app_title),
        "leftMs": left.as_millis() as u64,
        "trace": context.xray_trace_id,
        "function": context.env_config.function_name,
        "memory": context.env_config.memory,
    }))
}

async fn mishaps(event: LambdaEvent<Wish>) -> Result<Value, Diagnostic> {
    match event.payload.what.as_str() {
        "error" => return Err(Refusal("no").into()),
        "plain" => return Err(Error::from(std::io::Error::other("just so")).into()),
        "panic" => panic!("cannot go on"),
        "exit" => std::process::exit(9),
        "abort" => std::process::abort(),
        "memory" => {
            let mut held = Vec::new();
            loop {
                held.push(vec![1u8; 1 << 20]);
            }
        }
        "sleep" => tokio::time::sleep(Duration::from_secs(60)).await,
        "big" => return Ok("x".repeat(7 << 20).into()),
        "read" => {
            let read = std::fs::read_to_string(&event.payload.path);
            return read.map(Value::from).map_err(|error| Error::from(error).into());
        }
        _ => {}
    }
    Ok(std::process::id().into())
}

async fn logs(event: LambdaEvent<Value>) -> Result<(), Error> {
    println!("by standard output");
    eprintln!("by standard error");
    tracing::info!(answer = 42, request = %event.context.request_id, "by tracing");
    tracing::debug!("too fine");
    Ok(())
}

async fn pieces(event: LambdaEvent<Wish>) -> Result<Response<impl stream::Stream<Item = Result<Bytes, Error>>>, Error> {
    let fails = event.payload.what == "fail";
    let pieces = vec!["one ", "two ", "three"].into_iter();
    let told = stream::unfold((pieces, fails), |(mut left, fails)| async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        match left.next() {
            Some(piece) => Some((Ok(Bytes::from_static(piece.as_bytes())), (left, fails))),
            None if fails => Some((Err(Error::from("half way")), (left, false))),
            None => None,
        }
    });
    Ok(Response::from(Box::pin(told)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    match env::var("_HANDLER")?.as_str() {
        "about" => run(service_fn(about)).await,
        "mishaps" => run(service_fn(mishaps)).await,
        "logs" => run(service_fn(logs)).await,
        "pieces" => run(service_fn(pieces)).await,
        "broken" => Err("no database".into()),
        "graceful" => {
            let leaves = env::var("LEAVES")?;
            spawn_graceful_shutdown_handler(|| async move {
                std::fs::write(leaves, "SIGTERM has come").expect("a folder to write to");
            })
            .await;
            run(service_fn(mishaps)).await
        }
        _ => run(service_fn(echo)).await,
    }
}
