//! The HTTP interface, and what faults do to it.
//!
//! A service that ends in an error closes the connection without an answer: that is how an answer
//! gets lost.

use std::{fmt, sync::Arc, time::Duration};

use candid::Principal;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use ic_transport_types::{ReadStateResponse, TransportCallResponse};
use serde::Serialize;
use serde_bytes::Bytes as CborBytes;
use tokio::net::TcpListener;

use crate::{
    Action, When,
    call::Call,
    certificate::{Tree, cbor},
    envelope,
    fault::{Gate, Taken},
    network::Shared,
    world::{Answer, RequestStatus},
};

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(crate) struct Dropped;

type Reply = Response<Full<Bytes>>;

/// Serves until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely; some may be free again soon.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        stream.set_nodelay(true).ok();
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| route(Arc::clone(&shared), request));
            // Errors are the faults themselves, or clients that went away.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn route(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Reply, Dropped> {
    let (head, body) = request.into_parts();
    let path: Vec<&str> = head.uri.path().split('/').skip(1).collect();
    match (&head.method, path.as_slice()) {
        (&Method::GET, ["api", "v2", "status"]) => Ok(status(&shared)),
        (&Method::POST, ["api", "v2" | "v3" | "v4", "canister", id, _endpoint]) => {
            let Ok(effective) = Principal::from_text(id) else {
                return Ok(plain(StatusCode::BAD_REQUEST, "not a canister id"));
            };
            let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
            // In a task of its own: once it is here, a request takes effect even if its sender dies.
            let task = tokio::spawn(dispatch(shared, effective, body));
            task.await.map_err(|_| Dropped)?
        }
        (_, _) => Ok(plain(StatusCode::NOT_FOUND, "no such endpoint")),
    }
}

fn status(shared: &Shared) -> Reply {
    #[derive(Serialize)]
    struct Status<'a> {
        impl_version: &'a str,
        replica_health_status: &'a str,
        root_key: &'a CborBytes,
    }
    ok(cbor(&Status {
        impl_version: "loopback",
        replica_health_status: "healthy",
        root_key: CborBytes::new(shared.certifier.root_key()),
    }))
}

async fn dispatch(shared: Arc<Shared>, effective: Principal, body: Bytes) -> Result<Reply, Dropped> {
    match envelope::Request::parse(&body) {
        Ok(envelope::Request::Call(asked)) => call(&shared, Call::new(effective, asked)).await,
        Ok(envelope::Request::Query(asked)) => query(&shared, Call::new(effective, asked)).await,
        Ok(envelope::Request::ReadState(paths)) => read_state(&shared, effective, &paths).await,
        Err(error) => Ok(plain(StatusCode::BAD_REQUEST, &error)),
    }
}

async fn call(shared: &Shared, call: Call) -> Result<Reply, Dropped> {
    let fault = shared.take_fault(&call.method, call.canister);
    if let Some(reply) = before(shared, fault.as_ref()).await? {
        return Ok(reply);
    }
    let answer = match fault.as_ref().map(|taken| &taken.action) {
        Some(Action::Reject(reject)) => shared.lock().refuse(&call, reject.clone()),
        Some(_) | None => shared.lock().answer(&call),
    };
    shared.notify();
    if let Some(reply) = after(shared, fault.as_ref()).await? {
        return Ok(reply);
    }
    let polled = matches!(fault.map(|taken| taken.action), Some(Action::Accept));
    let status = match answer {
        Answer::Refused(reject) => {
            let response = TransportCallResponse::NonReplicatedRejection(reject.response());
            return Ok(ok(cbor(&response)));
        }
        Answer::Status(status) => status,
    };
    if polled {
        shared.lock().remember(call.id, status);
        return Ok(plain(StatusCode::ACCEPTED, ""));
    }
    if let RequestStatus::Processing = status {
        return Ok(plain(StatusCode::ACCEPTED, ""));
    }
    let mut tree = Tree::now();
    tree.insert_request(&call.id, Some(&status));
    let certificate = shared.certifier.certify(tree);
    Ok(ok(cbor(&TransportCallResponse::Replied { certificate })))
}

async fn query(shared: &Shared, call: Call) -> Result<Reply, Dropped> {
    let fault = shared.take_fault(&call.method, call.canister);
    if let Some(reply) = before(shared, fault.as_ref()).await? {
        return Ok(reply);
    }
    let result = match fault.as_ref().map(|taken| &taken.action) {
        Some(Action::Reject(reject)) => Err(reject.clone()),
        Some(_) | None => shared.lock().query(&call),
    };
    shared.notify();
    if let Some(reply) = after(shared, fault.as_ref()).await? {
        return Ok(reply);
    }
    Ok(ok(shared.node.answer(call.id, result)))
}

async fn read_state(shared: &Shared, effective: Principal, paths: &[Vec<Vec<u8>>]) -> Result<Reply, Dropped> {
    let fault = shared.take_fault("read_state", effective);
    if let Some(reply) = before(shared, fault.as_ref()).await? {
        return Ok(reply);
    }
    let root_key = shared.certifier.root_key();
    let tree = shared.node.state(&mut shared.lock(), effective, paths, root_key);
    let certificate = shared.certifier.certify(tree);
    if let Some(reply) = after(shared, fault.as_ref()).await? {
        return Ok(reply);
    }
    Ok(ok(cbor(&ReadStateResponse { certificate })))
}

/// What a fault does before the effect; a reply of its own ends the matter.
async fn before(shared: &Shared, fault: Option<&Taken>) -> Result<Option<Reply>, Dropped> {
    if let Some(Taken { action: Action::Delay(time), .. }) = fault {
        tokio::time::sleep(*time).await;
        return Ok(None);
    }
    strike(shared, fault, When::Before).await
}

/// What a fault does to the answer.
async fn after(shared: &Shared, fault: Option<&Taken>) -> Result<Option<Reply>, Dropped> {
    strike(shared, fault, When::After).await
}

async fn strike(shared: &Shared, fault: Option<&Taken>, now: When) -> Result<Option<Reply>, Dropped> {
    let Some(taken) = fault else {
        return Ok(None);
    };
    match taken.action {
        Action::Drop(when) if when == now => Err(Dropped),
        Action::Http(code, when) if when == now => {
            let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Ok(Some(plain(code, "a fault was injected")))
        }
        Action::Hold(when) if when == now => {
            hold(shared, taken).await?;
            Ok(None)
        }
        Action::Drop(_)
        | Action::Http(..)
        | Action::Hold(_)
        | Action::Reject(_)
        | Action::Delay(_)
        | Action::Accept => Ok(None),
    }
}

async fn hold(shared: &Shared, taken: &Taken) -> Result<(), Dropped> {
    shared.lock().faults.begin_hold(taken.id);
    shared.notify();
    let mut gate = taken.gate.clone();
    let opened = gate.wait_for(|gate| *gate != Gate::Shut).await;
    // A fault that was cleared away takes its gate with it.
    let opened = opened.is_ok_and(|gate| *gate == Gate::Open);
    shared.lock().faults.end_hold(taken.id);
    shared.notify();
    if opened { Ok(()) } else { Err(Dropped) }
}

fn ok(cbor: Vec<u8>) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(cbor)));
    let kind = hyper::header::HeaderValue::from_static("application/cbor");
    reply.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    reply
}

fn plain(status: StatusCode, text: &str) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(text.to_owned())));
    *reply.status_mut() = status;
    reply
}

impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection is dropped on purpose")
    }
}

impl std::error::Error for Dropped {}
