//! The digest of a plan is one of its meaning: comments, white space, the order of keys and the place of the checkout
//! change nothing, while every digest, target, limit and timeout does.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Plan;
use crate::id::Digest;

/// A thing that two plans say differently.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// What is said: `member app: snapshot: sha256`, say.
    pub what: String,
    /// What the first plan says, as JSON; nothing where only the second says something.
    pub was: Option<String>,
    /// What the second says.
    pub is: Option<String>,
}

impl Plan {
    /// The SHA-256 of the canonical form.
    pub fn digest(&self) -> Digest {
        Digest::of(self.canonical().to_string())
    }

    /// What another plan says differently.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let (was, mut is) = (flat(&self.canonical()), flat(&other.canonical()));
        let mut differences = Vec::new();
        for (what, was) in was {
            let is = is.remove(&what);
            if is.as_ref() != Some(&was) {
                differences.push(Difference { what, was: Some(was), is });
            }
        }
        differences.extend(is.into_iter().map(|(what, is)| Difference { what, was: None, is: Some(is) }));
        differences
    }

    /// Members by name, parents by name; keys in order, as serde_json's maps keep them.
    fn canonical(&self) -> Value {
        let mut plan = json!(self);
        let names: Vec<&str> = self.members.iter().map(|member| member.name.as_str()).collect();
        let mut members = Map::new();
        for member in &self.members {
            let mut value = json!(member);
            let parents: Vec<&str> = member.depends_on.iter().map(|&parent| names[parent]).collect();
            value["depends-on"] = json!(parents);
            members.insert(member.name.to_string(), value);
        }
        plan["members"] = Value::Object(members);
        plan["order"] = json!(names);
        plan["format"] = json!(1);
        plan
    }
}

fn flat(value: &Value) -> BTreeMap<String, String> {
    fn walk(path: &str, value: &Value, into: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    let name = match (path, key.as_str()) {
                        ("", key) => key.to_owned(),
                        ("members", key) => format!("member {key}"),
                        (path, key) => format!("{path}: {key}"),
                    };
                    walk(&name, value, into);
                }
            }
            Value::Null => {}
            other => {
                into.insert(path.to_owned(), other.to_string());
            }
        }
    }
    let mut into = BTreeMap::new();
    walk("", value, &mut into);
    into
}
