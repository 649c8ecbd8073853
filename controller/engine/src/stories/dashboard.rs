use schema::names::ServiceName;
use schema::status::Phase;

use super::story::Story;
use crate::plan::plan_removal;
use crate::ports::DashboardState;

fn call_names(story: &Story) -> Vec<String> {
    story.calls.iter().map(ToString::to_string).collect()
}

/// A good platform in a home that keeps dashboards.
fn where_dashboards_are_kept() -> Story {
    let mut story = Story::with_a_good_revision();
    story.world.dashboard = DashboardState::Absent;
    story
}

#[test]
fn a_dashboard_is_written_when_the_spec_asks_for_it_and_removed_when_no_more() {
    let mut story = where_dashboards_are_kept();
    story.settles();
    assert!(story.calls.is_empty(), "{:?}", call_names(&story));

    story.edits(|spec| spec.dashboard = true);
    story.settles();
    assert_eq!(call_names(&story), ["write dashboard"]);

    story.world.dashboard = DashboardState::Differs;
    story.settles();
    assert_eq!(call_names(&story), ["write dashboard"; 2]);

    story.edits(|spec| spec.dashboard = false);
    story.settles();
    assert_eq!(call_names(&story)[2..], ["remove dashboard"]);
}

#[test]
fn where_none_is_kept_or_none_is_known_of_nothing_is_asked_for() {
    for state in [DashboardState::NotKept, DashboardState::Unknown] {
        let mut story = Story::with_a_good_revision();
        story.world.dashboard = state;
        story.edits(|spec| spec.dashboard = true);
        story.settles();
        assert!(story.calls.is_empty(), "{:?}", call_names(&story));
        assert_eq!(story.ready(), ("True".to_owned(), "AsSpecified".to_owned()));
    }
}

#[test]
fn nothing_waits_for_a_dashboard() {
    let mut story = where_dashboards_are_kept();
    story.edits(|spec| spec.dashboard = true);
    story.turn();
    assert_eq!(call_names(&story), ["write dashboard"]);
    assert_eq!(story.ready(), ("True".to_owned(), "AsSpecified".to_owned()));

    story.changes_retries(4);
    for _ in 0..10 {
        // It does not take.
        story.world.dashboard = DashboardState::Differs;
        story.turn();
    }
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn it_is_the_last_of_a_plan_and_waits_while_a_change_is_taken_back() {
    let mut story = where_dashboards_are_kept();
    story.edits(|spec| {
        spec.dashboard = true;
        spec.services.score_provider = None;
    });
    story.drifts(ServiceName::Auth);
    story.turn();
    let calls = call_names(&story);
    assert_eq!(calls.last().map(String::as_str), Some("write dashboard"));

    let mut story = where_dashboards_are_kept();
    story.changes_retries(4);
    story.settles();
    story.edits(|spec| spec.dashboard = true);
    story.world.dashboard = DashboardState::Absent;
    story.alarm_fires(63.5);
    story.calls.clear();
    story.turn();
    assert_eq!(story.phase(), Phase::RollingBack);
    let calls = call_names(&story);
    assert!(!calls.contains(&"write dashboard".to_owned()), "{calls:?}");
}

#[test]
fn a_removed_platform_leaves_none_behind_that_there_may_be() {
    let story = where_dashboards_are_kept();
    let platform = &story.state.platform;
    for (state, is_removed) in [
        (DashboardState::NotKept, false),
        (DashboardState::Absent, false),
        (DashboardState::Unknown, true),
        (DashboardState::Differs, true),
        (DashboardState::AsWanted, true),
    ] {
        let mut observed = story.world.clone();
        observed.dashboard = state;
        let plan = plan_removal(platform, &observed);
        let last = plan.steps.last().map(ToString::to_string);
        let removes = last.as_deref() == Some("remove dashboard");
        assert_eq!(removes, is_removed, "{state:?}");
    }
}
