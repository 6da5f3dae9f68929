//! Every value and key lies where it says, as serde_json reads it.
#![no_main]

use icp_restore::json::Json;

fn walk(text: &str, json: Json<'_>, deep: usize) {
    assert_eq!(&text[json.span()], json.raw());
    if deep < 100 {
        for entry in json.entries() {
            let key: String = serde_json::from_str(&text[entry.key_span.clone()]).unwrap();
            assert_eq!(key, entry.key);
            walk(text, entry.value, deep + 1);
        }
        json.items().into_iter().for_each(|item| walk(text, item, deep + 1));
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(json) = Json::parse(text) {
        walk(text, json, 0);
    }
});
