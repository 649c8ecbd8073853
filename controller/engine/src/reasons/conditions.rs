//! Reasons of conditions.

use super::ConditionReason;

const fn reason(
    name: &'static str,
    condition: &'static str,
    meaning: &'static str,
    remedy: &'static str,
) -> ConditionReason {
    ConditionReason {
        name,
        condition,
        meaning,
        remedy,
    }
}

/// Every reason of a condition, the quiet ones first.
pub const CONDITIONS: &[ConditionReason] = &[
    reason(
        "AsSpecified",
        "`Ready=True`",
        "Everything is as the spec asks.",
        "Nothing.",
    ),
    reason(
        "Starting",
        "`Reconciling`",
        "The controller has just started and has not looked at this platform yet.",
        "Wait. With a thousand platforms the first looks are spread over one `--resync`.",
    ),
    reason(
        "Progressing",
        "`Reconciling`",
        "Calls are made, or what they asked for is on its way; the message says what is waited for.",
        "Wait. If it stays for many minutes, look at the service that the message names.",
    ),
    reason(
        "Preflight",
        "`Reconciling`",
        "A scoring change waits until it can be judged and taken back: for the rest of the edit to settle, for a gating \
         alarm to exist and be quiet, for both images to be looked at, or for `mode: Enforce`.",
        "Read what it waits for. A gating alarm that fires for another reason: mend that, or acknowledge it with \
         `rollout.onFiringAlarm: Ignore` and `rollout.acknowledgeFiringAlarms`.",
    ),
    reason(
        "Applying",
        "`Reconciling`",
        "A scoring change is on its way to every task.",
        "Wait. After ten minutes it is taken back by itself.",
    ),
    reason(
        "Baking",
        "`Reconciling`",
        "A scoring change is live and watched by its gating alarms.",
        "Wait until `bakeTime` is over. It needs `minSamples` scoring calls; without traffic it takes longer.",
    ),
    reason(
        "RollingBack",
        "`Reconciling`",
        "A scoring change is being taken back.",
        "Wait. The history has the alarm, its value and the fields that had changed.",
    ),
    reason(
        "Verifying",
        "`Reconciling`",
        "A scoring change is taken back, and its alarm is expected to clear.",
        "Wait for the alarm's window and two periods more.",
    ),
    reason(
        "Suspended",
        "`Ready=False` alone",
        "`mode: Suspend` holds what the spec has changed since. What was under way is guarded.",
        "Set `mode: Enforce` to let it come into force.",
    ),
    reason(
        "Drifted",
        "`Ready=False` alone",
        "`mode: Observe` reports differences and changes nothing; the message names each.",
        "Change the spec or the world until they agree, or set `mode: Enforce`.",
    ),
    reason(
        "InvalidSpec",
        "`Stalled`",
        "The newest edit is refused. The last good spec stays in force.",
        "Mend what the message names by file, line and column; `loanctl validate FILE` shows all of it.",
    ),
    reason(
        "Stuck",
        "`Stalled`",
        "Something that was asked for does not come about: tasks do not become ready, or a call was made several times \
         in vain.",
        "Read the message. Tasks: look at their log, mend the image or the settings, and edit the spec. A call in vain: \
         somebody else may be writing the same thing.",
    ),
    reason(
        "Quarantined",
        "`Stalled`",
        "The spec asks for a scoring revision that was taken back before, so it stays out. All else of the edit is in \
         force.",
        "Put the old content back, or mend it. To try the very same again, change `rollout.retryToken`.",
    ),
    reason(
        "Paused",
        "`Stalled`",
        "New scoring changes are held: as many were taken back within the interval as `rollout.maxAutomaticRollbacks` \
         allows.",
        "Find out why changes go wrong. Raise the limit, or wait until the interval is over.",
    ),
    reason(
        "Inconclusive",
        "`Stalled`",
        "A bake ended without enough data. The change stays live and is not known to be good.",
        "Let more traffic come, promote it by hand with `rollout.approve: \"DIGEST\"` (the message has it), or put the \
         old content back.",
    ),
    reason(
        "ExternalChange",
        "`Stalled`",
        "Somebody else has scoring run another image than the controller asked for, while a change was judged. It is \
         not fought.",
        "Find out who. The next edit of the spec ends the hold, and brings the spec's revision back into force.",
    ),
    reason(
        "RollbackFailed",
        "`Stalled`",
        "A scoring change could not be taken back everywhere. It goes on being tried every ten minutes.",
        "Look at scoring's tasks: the old image may be gone from the registry, or there may be no capacity. Another good \
         revision in the spec replaces it as soon as it can be judged.",
    ),
    reason(
        "AlarmsUnreadable",
        "`Reconciling`, then `Stalled`",
        "The alarms cannot be read, so no scoring change begins, passes or is taken back. Services are kept all the same.",
        "Read the cause in the message: throttling passes; a denied call needs the controller's role mended \
         (`loanctl verify`).",
    ),
    reason(
        "Retrying",
        "`Reconciling`",
        "Looking, saving or a call failed in a way that may pass. It is tried again, ever more slowly, up to once a minute.",
        "Wait; if it stays, the message has the cause.",
    ),
    reason(
        "NeedsAPerson",
        "`Stalled`",
        "Looking, saving or a call failed in a way that does not pass by itself: a denied call, something that is not \
         there, a state document that cannot be read.",
        "Mend what the message names; `loanctl verify` tries each permission. It is tried again at every resync.",
    ),
];
