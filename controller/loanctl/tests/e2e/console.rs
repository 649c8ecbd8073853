//! The console, as people use it: in a browser, on a real platform.

use rustix::process::Signal;
use serde_json::json;

use crate::browser::{Browser, Page};
use crate::incident::{CHANGES, PER_SECOND, bad, flaky_morning, known_good};
use crate::laptop::{BOUND, Laptop};
use crate::load::Load;
use crate::spec::Spec;
use crate::view::View;

/// Platforms in a list that is long.
const MANY: usize = 200;
/// Text that is a program where it is taken for markup.
const MARKUP: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>";

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_is_found_at_a_glance_and_an_edit_of_it_appears_by_itself() {
    let laptop = Laptop::with(&Spec::new()).await;
    let browser = Browser::start();
    let page = browser.page(&console(&laptop)).await;
    page.says(".row", "local").await;
    page.says("#link", "live").await;
    page.says(".row", "6/6").await;
    is_accessible_to_all(&page, "the list").await;

    page.presses("/").await;
    page.types("nothing like it").await;
    page.says(".empty", "No platform matches").await;
    page.value("document.activeElement.select()").await;
    page.types("LOCAL").await;
    page.click("a.row").await;
    page.says("h1", "local").await;
    page.says(".services", "loan-api").await;
    page.says(".services", "2 of 2").await;
    page.says(".alarms", "fires > 20").await;
    page.shows(
        "plots",
        "document.querySelectorAll('.signals svg').length >= 4",
    )
    .await;
    page.click(".spec summary").await;
    page.says("pre", "capacity: 80").await;
    page.click(".services summary").await;
    page.says(".services", "Healthy").await;
    is_accessible_to_all(&page, "a platform").await;

    page.value("globalThis.before = 'the edit'").await;
    laptop.save(&Spec::new().with("threshold: 20", "threshold: 21"));
    page.says(".alarms", "fires > 21").await;
    page.says(".history", "accepted as generation 2").await;
    assert_eq!(page.value("globalThis.before").await, "the edit");
    page.presses("Escape").await;
    page.says(".row", "local").await;
    assert_eq!(page.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_watched_through_its_phases_and_told_with_its_evidence() {
    let good = flaky_morning();
    let laptop = Laptop::with(&good).await;
    let browser = Browser::start();
    let page = browser.page(&format!("{}#/local", console(&laptop))).await;
    page.says(".steps .current", "Baking").await;
    note_steps(&page).await;
    let _load = Load::start(&laptop.endpoint(), PER_SECOND).await;
    page.says(".bake", "left of a bake of").await;
    page.shows(
        "samples",
        "Number(document.querySelectorAll('.bake b')[1]?.textContent) > 20",
    )
    .await;
    let left = page.text(".bake b").await;
    page.shows(
        "the clock to go on",
        &format!(
            "document.querySelector('.bake b')?.textContent !== {}",
            json!(left)
        ),
    )
    .await;
    is_accessible_to_all(&page, "a bake").await;
    known_good(&laptop).await;
    page.says(".steps .current", "Proved good").await;

    laptop.save(&bad(&good));
    page.says(".alarm", "Firing").await;
    page.says(".events", "Rollback began").await;
    let bound = 2 * BOUND;
    let taken_back =
        "document.querySelector('.steps .current')?.innerText.startsWith('Taken back')";
    page.shows_within(bound, "the change to be taken back", taken_back)
        .await;
    page.says(".quarantine", "convicted").await;
    let evidence = page.text(".events li:has(.pill.bad) .proof").await;
    assert!(evidence.contains("scoring-failures"), "{evidence}");
    assert!(evidence.contains("Threshold\n20"), "{evidence}");
    let told = page.text(".revisions .changes").await;
    for change in CHANGES {
        let (path, values) = change.split_once(": ").unwrap();
        let (from, to) = values.split_once(" → ").unwrap();
        for told in [&evidence, &told] {
            assert!(told.contains(path), "{path}: {told}");
            assert!(told.contains(from) && told.contains(to), "{change}: {told}");
        }
    }
    is_accessible_to_all(&page, "a rollback").await;
    let steps = page.value("globalThis.steps").await;
    let steps: Vec<&str> = steps
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it.as_str())
        .collect();
    let seen = |word: &str| steps.iter().position(|step| *step == word);
    let order = ["Proved good", "Verifying", "Taken back"].map(seen);
    assert!(
        order.iter().all(Option::is_some) && order.is_sorted(),
        "{steps:?}"
    );
    assert_eq!(page.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_in_a_spec_is_text_and_does_nothing() {
    let noted = format!("  name: local\n  annotations: {{note: '{MARKUP}'}}");
    let good = Spec::new().with("  name: local", &noted);
    let laptop = Laptop::with(&good).await;
    let browser = Browser::start();
    let page = browser.page(&format!("{}#/local", console(&laptop))).await;
    page.says(".head", MARKUP).await;

    laptop.save(&good.with("maxAttempts: 2", &format!("maxAttempts: '{MARKUP}'")));
    laptop
        .wait("a refusal", |it| it.holds("Stalled").is_some())
        .await;
    page.says(".conditions", "<script>alert(1)").await;
    page.says(".events", "<script>alert(1)").await;
    is_accessible_to_all(&page, "a refusal").await;
    page.presses("Escape").await;
    page.says(".row", "Stalled").await;
    page.says(".row", "<script>alert(1)").await;
    is_accessible_to_all(&page, "a list with a refusal").await;
    let scripts = "document.querySelectorAll('script, main img').length";
    assert_eq!(page.value(scripts).await, 1, "the page's own alone");
    assert_eq!(page.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_cut_off_says_so_and_is_live_again_by_itself() {
    let mut laptop = Laptop::with(&Spec::new()).await;
    let browser = Browser::start();
    let list = browser.page(&console(&laptop)).await;
    let page = browser.page(&format!("{}#/local", console(&laptop))).await;
    list.says("#link", "live").await;
    page.says("#link", "live").await;
    assert_eq!(page.complaints(), [""; 0]);

    assert!(laptop.end(Signal::TERM).await.success());
    for page in [&list, &page] {
        page.says("#cut", "Not live since").await;
        page.says("#link", "not live").await;
        page.says("main", "local").await;
        is_accessible_to_all(page, "a page that is cut off").await;
    }

    laptop.start();
    for page in [&list, &page] {
        page.shows("it to be live", "document.body.dataset.link === 'live'")
            .await;
        let is_hidden = page.value("document.getElementById('cut').hidden").await;
        assert_eq!(is_hidden, true);
        let unheard: Vec<String> = page
            .complaints()
            .into_iter()
            .filter(|complaint| !complaint.contains(r#""source":"network""#))
            .collect();
        assert_eq!(unheard, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_platforms_are_listed_and_sifted() {
    let mut laptop = Laptop::off();
    for number in 0..MANY {
        let name = format!("platform-{number:03}");
        // Looked at, and not run: nothing of it is here.
        let spec = Spec::new()
            .with("  name: local", &format!("  name: {name}"))
            .with(
                "spec:\n  deletionPolicy",
                "spec:\n  mode: Observe\n  deletionPolicy",
            );
        spec.save(&laptop.specs().join(format!("{name}.yaml")));
    }
    laptop.start();
    let browser = Browser::start();
    laptop
        .wait_for("platform-199", BOUND, "the last to be looked at", |it| {
            !it.status.conditions.is_empty()
        })
        .await;
    let page = browser.page(&console(&laptop)).await;
    let rows = "document.querySelectorAll('.rows li:not([hidden])').length";
    page.shows("every platform", &format!("{rows} === {MANY}"))
        .await;
    let shown = page
        .value(
            "[performance.getEntriesByType('paint').find((it) => it.name === 'first-contentful-paint').startTime, \
             performance.getEntriesByName('platforms shown')[0].startTime].map(Math.round)",
        )
        .await;
    println!("{MANY} platforms: first paint and all of them, in ms after the click: {shown}");
    is_accessible_to_all(&page, "a long list").await;

    page.presses("/").await;
    page.types("platform-12").await;
    page.shows("ten of them", &format!("{rows} === 10")).await;
    assert_eq!(page.complaints(), [""; 0]);
}

fn console(laptop: &Laptop) -> String {
    format!("http://127.0.0.1:{}/", laptop.console_port())
}

/// In the light and in the dark, on a desk and on a phone.
async fn is_accessible_to_all(page: &Page, view: &str) {
    for (scheme, width) in [
        ("light", 1280),
        ("dark", 1280),
        ("light", 390),
        ("dark", 390),
    ] {
        page.prefers(scheme).await;
        page.is_sized(width, 900).await;
        page.is_accessible(&format!("{view}, {scheme}, {width} wide"))
            .await;
        let spilt = page
            .value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            .await;
        assert_eq!(
            spilt, 0,
            "{view}, {width} wide, has to be scrolled sideways"
        );
    }
    page.prefers("light").await;
    page.is_sized(1280, 900).await;
}

/// Has the page remember each step of a rollout that it shows.
async fn note_steps(page: &Page) {
    page.value(
        "globalThis.steps = []; new MutationObserver(() => { \
           const step = document.querySelector('.steps .current span')?.firstChild.textContent; \
           if (step && step !== globalThis.steps.at(-1)) globalThis.steps.push(step); \
         }).observe(document.querySelector('main'), {subtree: true, childList: true}); 0",
    )
    .await;
}
