//! The page, by its text and in a browser.

use std::process::Command;

use camino::Utf8Path;

use super::{eventful, folder, journal, program, rehearsed, report};

#[test]
fn the_page_needs_nothing_but_itself() {
    let (_keep, folder) = folder();
    eventful(&folder);
    let page = report(&folder, "html");
    for outside in ["<script", "<link", "<img", "<iframe", "http-equiv=\"refresh", " onerror=\"", "src=", "url("] {
        assert!(!page.replace("&lt;img src=x", "").contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(page.contains("&lt;script&gt;document.title=&#39;harm&#39;"));
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print"));
}

#[test]
fn every_attempt_has_a_bar_and_every_bar_a_receipt() {
    let (_keep, folder) = folder();
    eventful(&folder);
    let page = report(&folder, "html");
    let bars: Vec<&str> = page.split("<a class=\"b ").skip(1).filter_map(|bar| bar.split('>').next()).collect();
    // 29 operations; the upload and the load that were tried again, the load once more.
    assert_eq!(bars.len(), 32);
    for bar in &bars {
        let id = bar.split("href=\"#").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        let place = |key: &str| bar.split(key).nth(1).unwrap().split('%').next().unwrap().parse::<f64>().unwrap();
        let (left, width) = (place("left:"), place("width:"));
        assert!((0.0..=100.0).contains(&left) && left + width <= 100.02, "{bar}");
    }
    assert_eq!(bars.iter().filter(|bar| bar.contains(" settled ")).count(), 2);
    assert_eq!(bars.iter().filter(|bar| bar.contains(" wrong ")).count(), 1);
    assert_eq!(page.matches("<i class=\"down\"").count(), 5);
}

/// Chromium, where it is installed.
fn browser() -> Option<&'static str> {
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .into_iter()
        .find(|path| Utf8Path::new(path).exists())
}

fn looked_at(browser: &str, page: &str, more: &[&str]) -> String {
    let (_keep, profile) = folder();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update", "--virtual-time-budget=2000"])
        .arg(format!("--user-data-dir={profile}"))
        .args(more)
        .arg(page)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn a_browser_shows_it_in_light_in_dark_and_in_print() {
    let Some(browser) = browser() else {
        eprintln!("SKIPPED: there is no Chromium here, so the page was not looked at");
        return;
    };
    let (_keep, folder) = folder();
    eventful(&folder);
    let file = folder.join("report.html");
    let written =
        program().args(["report", &journal(&folder), "--format", "html", "--output", file.as_str()]).output().unwrap();
    assert!(written.status.success());
    let page = format!("file://{file}#op-15");
    let dom = looked_at(browser, &page, &["--dump-dom"]);
    assert!(dom.contains("<title>Restore of demo: done</title>"), "nothing in the page changed its title: {dom:.300}");
    // The browser itself opens the receipt that the address names.
    let receipt = dom.split("<details class=\"op ok\"").find(|part| part.contains("id=\"op-15\"")).unwrap();
    assert!(receipt.starts_with(" open=\"\""), "{receipt:.200}");
    let shot = |name: &str, more: &[&str]| {
        let file = folder.join(name);
        let flag = format!("--screenshot={file}");
        let flags: Vec<&str> = more.iter().copied().chain(["--window-size=1400,900", flag.as_str()]).collect();
        looked_at(browser, &page, &flags);
        std::fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}"))
    };
    let light = shot("light.png", &["--blink-settings=preferredColorScheme=1"]);
    let dark = shot("dark.png", &["--blink-settings=preferredColorScheme=0"]);
    assert!(light.starts_with(b"\x89PNG") && light.len() > 20_000, "{} bytes", light.len());
    assert!(dark.len() > 20_000 && dark != light);
    let pdf = folder.join("page.pdf");
    let flag = format!("--print-to-pdf={pdf}");
    looked_at(browser, &page, &[flag.as_str()]);
    assert!(std::fs::read(&pdf).unwrap().len() > 10_000);
}

#[test]
fn a_run_that_was_cut_off_and_a_journal_without_any_attempt_have_a_page() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &[], &["--max-steps", "1"]), 9);
    let text = std::fs::read_to_string(journal(&folder)).unwrap();
    for lines in 1..=text.lines().count() {
        let cut: String = text.split_inclusive('\n').take(lines).collect();
        std::fs::write(journal(&folder), cut).unwrap();
        for format in ["html", "text", "markdown", "junit", "json"] {
            assert!(!report(&folder, format).is_empty(), "{format} of {lines} lines");
        }
    }
}
