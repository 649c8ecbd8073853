//! A page: what it shows, and what people do with it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::PATIENCE;
use super::link::Link;

const POLL: Duration = Duration::from_millis(50);

/// One page of a browser.
pub(crate) struct Page {
    link: Link,
    session: String,
}

impl Page {
    pub(super) async fn open(link: Link, url: &str) -> Self {
        // A window of its own: a tab behind another one is not seen, and goes to sleep.
        let window = json!({"url": "about:blank", "newWindow": true});
        let made = link.call(None, "Target.createTarget", window);
        let target = made.await["targetId"].clone();
        let attached = json!({"targetId": target, "flatten": true});
        let attached = link.call(None, "Target.attachToTarget", attached).await;
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let page = Self { link, session };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, json!({})).await;
        }
        page.is_sized(1280, 900).await;
        page.call("Page.navigate", json!({ "url": url })).await;
        page
    }

    pub(crate) async fn is_sized(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Colours that its reader prefers: `light` or `dark`.
    pub(crate) async fn prefers(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        let media = json!({"features": [feature]});
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    /// What an expression of JavaScript comes to.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", asked).await;
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until an expression holds.
    pub(crate) async fn shows(&self, what: &str, expression: &str) {
        self.shows_within(PATIENCE, what, expression).await;
    }

    pub(crate) async fn shows_within(&self, bound: Duration, what: &str, expression: &str) {
        let begun = Instant::now();
        let expression = format!("Boolean({expression})");
        while self.value(&expression).await != true {
            assert!(
                begun.elapsed() < bound,
                "waited {bound:?} for {what}; the page says:\n{}",
                self.text("body").await
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until `text` can be read in what `selector` means.
    pub(crate) async fn says(&self, selector: &str, text: &str) {
        let what = format!("`{text}` in {selector}");
        let expression = format!(
            "[...document.querySelectorAll({})].some((it) => it.checkVisibility() && it.innerText.includes({}))",
            json!(selector),
            json!(text)
        );
        self.shows(&what, &expression).await;
    }

    /// The text that can be read in what `selector` means.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let expression = format!(
            "document.querySelector({})?.innerText ?? ''",
            json!(selector)
        );
        let text = self.value(&expression).await;
        text.as_str().unwrap().to_owned()
    }

    /// A click with the mouse in the middle of what `selector` means.
    pub(crate) async fn click(&self, selector: &str) {
        let what = format!("{selector} to click on");
        let found = format!("document.querySelector({})", json!(selector));
        self.shows(&what, &format!("{found}?.checkVisibility()"))
            .await;
        let place = format!(
            "(() => {{ const it = {found}; it.scrollIntoView({{block: 'center'}}); const box = it.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        );
        let place = self.value(&place).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Types `text` where the focus is.
    pub(crate) async fn types(&self, text: &str) {
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Presses a key: `Enter`, `Escape`, `/`.
    pub(crate) async fn presses(&self, key: &str) {
        let text = match key {
            "Enter" => Some("\r"),
            single if single.len() == 1 => Some(single),
            _ => None,
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({"type": kind, "key": key, "code": key});
            if kind == "keyDown" {
                event["text"] = json!(text.unwrap_or_default());
                event["windowsVirtualKeyCode"] = json!(if key == "Enter" { 13 } else { 0 });
            }
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Holds the page against the rules for accessible pages, WCAG 2.2 AA among them.
    pub(crate) async fn is_accessible(&self, view: &str) {
        let known = self.value("typeof axe").await;
        if known != "object" {
            let program = Path::new(env!("CARGO_BIN_EXE_loanctl"))
                .ancestors()
                .nth(2)
                .unwrap()
                .join("accessibility/node_modules/axe-core/axe.min.js");
            let program = fs::read_to_string(program)
                .expect("the checker of accessibility: `.ci/need test` brings it");
            // It may only be run from outside: the page itself runs nothing that is not the controller's.
            self.value(&format!("{program}; 0")).await;
        }
        let found = self
            .value(
                "axe.run({resultTypes: ['violations']}).then((found) => found.violations.map((it) => \
                 ({id: it.id, help: it.help, where: it.nodes.map((node) => [node.html, node.failureSummary])})))",
            )
            .await;
        assert_eq!(found, json!([]), "{view}: {found:#}");
    }

    /// What the page complained of: errors, warnings, dialogs; and with whom it could not speak.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.link.complaints.lock().unwrap().clone()
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        self.link.call(Some(&self.session), method, params).await
    }
}
