// What the pretended server of screens.mjs knows.
const ago = (s) => new Date(Date.now() - s * 1000).toISOString();
const ahead = (s) => ago(-s);

export const people = {
	alice: { user: "alice", name: "Alice", role: "agent", must_change_password: false },
	bob: { user: "bob", name: "Bob", role: "agent", must_change_password: false },
	sam: { user: "sam", name: "Sam", role: "supervisor", must_change_password: false },
	ada: { user: "ada", name: "Ada", role: "admin", must_change_password: false },
	new: { user: "new", name: "New", role: "agent", must_change_password: true },
};

const me = (user, state, more = {}) => ({
	user,
	name: people[user].name,
	role: people[user].role,
	state,
	reason: "",
	since: ago(760),
	next: "",
	ready: true,
	not_ready: "",
	queues: people[user].role === "agent" ? ["sales", "support"] : [],
	dispositions: ["Sold", "Answered", "Call back", "Complaint", "Wrong number"],
	away_reasons: ["Break", "Lunch", "Training"],
	...more,
});
const quality = (score) => ({ loss_percent: 0.4, jitter_ms: 6, rtt_ms: 42, score });
const call = (phase, more = {}) => ({
	contact: "c1",
	phase,
	since: ago(133),
	line: "1000",
	from: "138****1234",
	queue: "sales",
	queue_name: "Sales",
	waited: 48,
	chosen: ["English", "Sales"],
	language: "zh",
	reason: "free for the longest time (6:12)",
	until: null,
	wrap_up: "timed",
	muted: false,
	consent: "granted",
	recording: "on",
	recording_why: "",
	coach: null,
	trouble: "",
	codec: "PCMU",
	quality: phase === "ringing" ? null : quality(4.2),
	ended: null,
	answered: phase === "ringing" ? null : ago(133),
	disposition: "",
	note: "",
	...more,
});
const ended = { by: "customer", class: "completed", sip: null, why: "hung up" };
/** Who shows what in a call. */
const seen = (shown) => ({ codec: "VP8", own: "", state: "", seen_by: [""], shown });
const customer = (state, more = {}) => ({ track: "customer", user: "", name: "", source: "camera", state, ...more });
const queues = {
	"queue/sales": {
		id: "sales",
		name: "Sales",
		waiting: 3,
		longest_since: ago(83),
		available: 0,
		staffed: 2,
		talking: 2,
		answered: 31,
		answered_in: 27,
		service_level: 20,
		tasks: 1,
		abandoned: 2,
		expected: 65,
	},
	"queue/support": {
		id: "support",
		name: "Support",
		waiting: 0,
		longest_since: null,
		available: 1,
		staffed: 2,
		talking: 0,
		answered: 12,
		answered_in: 12,
		service_level: 20,
		tasks: 0,
		abandoned: 0,
		expected: 0,
	},
};
const agent = (user, state, more = {}) => ({
	user,
	name: people[user].name,
	state,
	reason: "",
	since: ago(133),
	ready: true,
	contact: "",
	queue: "",
	queues: ["sales", "support"],
	...more,
});
const live = (contact, stage, more = {}) => ({
	contact,
	line: "1000",
	from: "138****1234",
	stage,
	started: ago(190),
	since: ago(133),
	queue: "sales",
	agent: "alice",
	consent: "granted",
	recording: "on",
	quality: quality(4.2),
	listeners: [],
	coach: null,
	trouble: "",
	...more,
});
const floor = {
	...queues,
	"agent/alice": agent("alice", "talking", { contact: "f1", queue: "sales" }),
	"agent/bob": agent("bob", "away", { reason: "Lunch", since: ago(1800) }),
	"alert/hand/alice": { kind: "hand", agent: "alice", queue: "", text: "", at: ago(42) },
	"floor/f1": live("f1", "talking"),
	"floor/f2": live("f2", "queue", {
		from: "020****8812",
		agent: "",
		quality: null,
		recording: "off",
		consent: "refused",
		since: ago(83),
		started: ago(110),
	}),
	"floor/f3": live("f3", "flow", {
		from: "",
		agent: "",
		queue: "",
		line: "1001",
		quality: quality(3.4),
		recording: "off",
		consent: "none",
		since: ago(8),
		started: ago(8),
	}),
};

const docs = {
	idle: () => ({ me: me("alice", "available"), ...queues }),
	empty: () => ({ me: me("alice", "away", { reason: "", ready: false, not_ready: "connection" }) }),
	ringing: () => ({
		me: me("alice", "offered", { since: ago(4) }),
		call: call("ringing", { since: ago(4), until: ahead(16) }),
		...queues,
	}),
	talking: () => ({
		me: me("alice", "talking", { next: "away" }),
		call: call("talking", { muted: true, note: "Wants a quote for 40 seats." }),
		...queues,
	}),
	video: () => ({ me: me("alice", "talking"), call: call("talking", { video: seen([customer("on")]) }), ...queues }),
	videoWeak: () => ({
		me: me("alice", "talking"),
		call: call("talking", { video: seen([customer("weak", { weak: "theirs" })]) }),
		...queues,
	}),
	videoAlone: () => ({ me: me("alice", "talking"), call: call("talking", { video: seen([]) }), ...queues }),
	hold: () => ({ me: me("alice", "hold"), call: call("hold", { consent: "refused", recording: "off" }), ...queues }),
	wrapup: () => ({
		me: me("alice", "wrap_up"),
		call: call("wrap_up", {
			since: ago(9),
			until: ahead(21),
			recording: "off",
			ended,
			disposition: "Call back",
			note: "Wants a quote for 40 seats.",
		}),
		...queues,
	}),
	wrapupMandatory: () => ({
		me: me("alice", "wrap_up"),
		call: call("wrap_up", { since: ago(245), wrap_up: "mandatory", recording: "off", ended }),
		...queues,
	}),
	wrapupFixed: () => ({
		me: me("alice", "wrap_up"),
		call: call("wrap_up", { since: ago(9), until: ahead(21), wrap_up: "fixed", recording: "off", ended }),
		...queues,
	}),
	wrapupWanted: () => ({
		me: me("alice", "talking"),
		call: call("talking", { wrap_up: "optional", wrap_up_wanted: true }),
		...queues,
	}),
	floor: () => floor,
	floorEmpty: () => ({ ...queues, "queue/sales": { ...queues["queue/sales"], waiting: 0, longest_since: null } }),
	listening: () => ({
		...floor,
		"floor/f1": live("f1", "talking", { listeners: ["sam"], trouble: "agent_silent" }),
		listen: { contact: "f1", mode: "listen", since: ago(12), codec: "PCMU" },
	}),
	barging: () => ({
		...floor,
		"floor/f1": live("f1", "talking", { listeners: ["sam"], coach: { name: "Sam", mode: "barge" } }),
		listen: { contact: "f1", mode: "barge", since: ago(12), codec: "PCMU" },
	}),
	coached: () => ({
		me: me("alice", "talking"),
		call: call("talking", { coach: { name: "Sam", mode: "whisper" }, trouble: "customer_no_audio" }),
		...queues,
	}),
};

/** The seat's document as a view of screens.mjs names it. */
export function doc(name, user) {
	const d = docs[name]();
	return d.me ? d : { me: me(user, "offline"), ...d };
}

const record = (id, more = {}) => ({
	id,
	line: "1000",
	from: "138****1234",
	queue: "sales",
	agent: "alice",
	started: ago(3600),
	answered: ago(3552),
	ended: ago(3400),
	end: { by: "customer", class: "completed", sip: null, why: "hung up" },
	consent: "granted",
	recording: "r1",
	disposition: "Call back",
	note: "Wants a quote for 40 seats.\nCall back on Tuesday.",
	...more,
});
const calls = [
	record("c0", { ended: null, end: null, started: ago(60), recording: null, disposition: null }),
	record("c1"),
	record("c2", { from: "020****8812", consent: "refused", recording: null, started: ago(7300), ended: ago(7220) }),
	record("c3", {
		from: "",
		agent: null,
		answered: null,
		consent: "none",
		recording: null,
		started: ago(90000),
		ended: ago(89940),
		end: { by: "customer", class: "abandoned", sip: 487, why: "gave up waiting" },
	}),
	record("c4", {
		line: "1001",
		consent: "announced",
		started: ago(180000),
		ended: ago(179000),
		end: { by: "system", class: "failed", sip: null, why: "no sound from the phone for 60 s" },
	}),
];
const at = (ms) => new Date(Date.parse(calls[1].started) + ms).toISOString();
const event = (ms, kind, leg, text, data = null) => ({ at: at(ms), kind, leg, text, data });
const sip = (ms, sent, summary, status = 0) =>
	event(ms, "sip", "customer", `${sent ? "sent" : "received"} ${summary}`, {
		sent,
		method: "INVITE",
		status,
		transport: "udp",
	});
const timeline = [
	sip(0, false, "INVITE"),
	sip(1, true, "100 Trying (INVITE)", 100),
	sip(3, true, "200 OK (INVITE)", 200),
	sip(5, false, "ACK"),
	event(8, "flow", null, "greeting: played", { node: "greeting", prompt: "welcome" }),
	event(2400, "consent", "customer", "asked for consent to record", { prompt: "consent", language: "en" }),
	event(4800, "consent", "customer", "consent granted", { state: "granted", attempt: 1 }),
	event(7400, "flow", null, "menu: sales"),
	event(7500, "queue", null, "waits for Sales at place 2", { queue: "sales", place: 2 }),
	event(44000, "offer", "agent", "offered to Alice: free for the longest time", {
		agent: "alice",
		skipped: [{ agent: "bob", why: "away" }],
	}),
	event(48000, "answer", "agent", "answered by Alice"),
	event(48010, "recording", null, "recording started"),
	event(70000, "hold", "agent", "on hold"),
	event(82000, "resume", "agent", "resumed"),
	event(90000, "reconnect", "agent", "the agent's page was reloaded", { gap_ms: 840 }),
	event(120000, "listen", "supervisor", "Sam began to listen"),
	event(199000, "quality", "customer", "9550 packets sent, 9541 received, 9 lost, jitter 2.1 ms, score 4.3", {
		codec: "PCMU",
		sent: 9550,
		received: 9541,
		lost: 9,
		loss_percent: 0.1,
		jitter_ms: 2.1,
		rtt_ms: null,
		score: 4.3,
	}),
	event(199000, "quality", "agent", "9541 packets sent, 9550 received, 0 lost, jitter 1.0 ms, score 4.4", {
		codec: "PCMU",
		sent: 9541,
		received: 9550,
		lost: 0,
		loss_percent: 0,
		jitter_ms: 1,
		rtt_ms: 1.4,
		score: 4.4,
	}),
	sip(200000, false, "BYE"),
	sip(200001, true, "200 OK (BYE)", 200),
	event(200002, "end", null, "ended by the customer: hung up", { by: "customer", class: "completed" }),
];
const talk = (shift) =>
	Array.from(
		{ length: 1000 },
		(_, i) => Math.max(0, Math.sin((i + shift) / 60)) * (0.15 + 0.25 * Math.abs(Math.sin(i * 1.7))),
	);

const lines = [
	{ id: "1000", name: "Full menu" },
	{ id: "1001", name: "Announced" },
	{ id: "1002", name: "Unrecorded" },
	{ id: "1009", name: "Echo" },
];

/** What is an empty list where there is nothing. */
const LISTS = ["tag-counts", "promises", "phrases", "articles"];

/** Answers one request of the HTTP API. */
export function api(method, url, view) {
	const path = url.pathname.replace("/api/v1/", "");
	const ok = (json) => ({ status: 200, json });
	if (path === "info")
		return ok({ version: "0", demo: true, people: [people.alice, people.bob, people.sam, people.ada], lines });
	if (path === "session" && method === "POST") return { status: 401, json: { code: "unauthorized", message: "wrong" } };
	if (path === "session") return view.user ? ok(people[view.user]) : { status: 401, json: { code: "unauthorized" } };
	if (view.broken) return { status: 500, json: { code: "internal", message: "no" } };
	if (path === "calls") return ok(view.empty ? [] : calls);
	if (path.startsWith("calls/")) {
		const found = calls.find((c) => c.id === path.slice(6));
		return found ? ok({ ...found, timeline }) : { status: 404, json: { code: "not_found", message: "no call" } };
	}
	if (path.endsWith("/peaks"))
		return ok({
			duration: 152,
			customer: talk(0),
			agent: talk(188),
			marks: [
				{ at: 22, kind: "hold", text: "on hold" },
				{ at: 34, kind: "resume", text: "resumed" },
			],
		});
	if (path.endsWith("/verify")) return ok({ ok: true, entries: 214, damage: null });
	if (path.startsWith("recordings/"))
		return ok({
			id: "r1",
			call: "c1",
			started: ago(3552),
			duration: 152,
			state: "sealed",
			consent: "granted",
			tracks: [],
		});
	if (path === "users") return ok(Object.values(people));
	if (path === "audit")
		return ok([
			{ at: ago(60), who: "sam", action: "listen", target: "c1", details: { mode: "listen" } },
			{ at: ago(600), who: "ada", action: "sign_in", target: "ada", details: {} },
		]);
	if (LISTS.includes(path)) return ok([]);
	return ok(null);
}
