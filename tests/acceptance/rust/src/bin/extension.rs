//! An external extension with `lambda-extension`: it tells what it hears of invocations and of telemetry.
use lambda_extension::{
    service_fn, Error, Extension, LambdaEvent, LambdaTelemetry, LambdaTelemetryRecord, NextEvent, SharedService,
};

async fn heard(event: LambdaEvent) -> Result<(), Error> {
    match event.next {
        NextEvent::Invoke(invoke) => {
            println!("rust extension hears INVOKE {} {}", invoke.request_id, invoke.deadline_ms > 0)
        }
        NextEvent::Shutdown(end) => println!("rust extension hears SHUTDOWN {}", end.shutdown_reason),
    }
    Ok(())
}

async fn told(events: Vec<LambdaTelemetry>) -> Result<(), Error> {
    for event in events {
        match event.record {
            LambdaTelemetryRecord::Function(line) => println!("rust extension read <{}>", line.trim_end()),
            LambdaTelemetryRecord::PlatformReport { request_id, metrics, .. } => {
                println!("rust extension saw the report of {request_id} {}", metrics.duration_ms > 0.0)
            }
            _ => {}
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    Extension::new()
        .with_events_processor(service_fn(heard))
        .with_telemetry_types(&["platform", "function"])
        .with_telemetry_processor(SharedService::new(service_fn(told)))
        .run()
        .await
}
