import { describe, expect, test } from "vitest";
import { Outlet } from "../src/phone/outlet.ts";
import { FakeTrack, settled, WELCOME } from "./fakes.ts";
import { call, ownClock, seat } from "./phone-seat.ts";

ownClock();

describe("coming up", () => {
	test("microphone and socket are asked for at once, before anything answers", () => {
		const s = seat();
		s.phone.start();
		expect(s.devices.asked).toBe(1);
		expect(s.wires).toHaveLength(1);
		expect(s.devices.constraints?.audio).toEqual({
			echoCancellation: true,
			noiseSuppression: true,
			autoGainControl: true,
		});
	});
	test("three audio sections in the server's order, no microphone on them", async () => {
		const s = seat();
		await s.ready();
		expect(s.peer().directions).toEqual(["sendrecv", "recvonly", "recvonly"]);
		expect(s.wire().of("offer")).toEqual([{ type: "offer", sdp: "v=0", peer: 1 }]);
		expect(s.peer().sender.track).toBeNull();
		expect(s.phone.state.now.media).toEqual({ at: "ready", peer: 1 });
	});
	test("candidates that come before the answer wait for it; those of another connection are dropped", async () => {
		const s = seat();
		s.phone.start();
		await s.welcome();
		s.wire().say({ type: "candidate", peer: 1, candidate: "a" }, { type: "candidate", peer: 7, candidate: "old" });
		await settled();
		expect(s.peer().added).toEqual([]);
		await s.connect();
		s.wire().say({ type: "candidate", peer: 1, candidate: "b" }, { type: "candidate", peer: 1, candidate: "" });
		await settled();
		expect(s.peer().added).toEqual(["a", "b"]);
	});
	test("own candidates carry the number of the connection", async () => {
		const s = seat();
		s.phone.start();
		await s.welcome();
		s.peer().onicecandidate?.({
			candidate: { candidate: "mine", sdpMid: "0", sdpMLineIndex: 0 } as RTCIceCandidate,
		});
		s.peer().onicecandidate?.({ candidate: null });
		expect(s.wire().of("candidate")).toEqual([
			{ type: "candidate", peer: 1, candidate: "mine", sdpMid: "0", sdpMLineIndex: 0 },
			{ type: "candidate", peer: 1, candidate: "" },
		]);
	});
	test("a supervisor is not asked for a microphone", async () => {
		const s = seat("supervisor");
		await s.ready();
		expect(s.devices.asked).toBe(0);
		expect(s.phone.state.now.media.at).toBe("ready");
	});
	test("the second tab has no media until it takes over", async () => {
		const s = seat();
		s.phone.start();
		await s.welcome(false);
		expect(s.phone.state.now.tab).toBe("elsewhere");
		expect(s.peers).toHaveLength(0);
		expect(s.mic.state.now.at).toBe("off");
		s.phone.takeOver();
		expect(s.wire().of("hello").at(-1)).toMatchObject({ take_over: true });
		s.wire().say({ type: "tab", phone: true });
		await settled();
		expect(s.peers).toHaveLength(1);
		expect(s.mic.state.now.at).toBe("ok");
	});
	test("the first tab lets go when another takes over", async () => {
		const s = seat();
		await s.ready();
		s.wire().say({ type: "tab", phone: false });
		expect(s.peer().connectionState).toBe("closed");
		expect((s.devices.answer as FakeTrack).state).toBe("ended");
	});
});

describe("a call", () => {
	test("the codec is switched while it rings, the microphone opens on the click", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("ringing"));
		await settled();
		expect(s.peer().log).toEqual(["codec audio/PCMA"]);
		void s.phone.answer();
		expect(s.peer().log).toEqual(["codec audio/PCMA", "track on"]);
		expect(s.wire().of("do")[0]).toMatchObject({ do: "answer", contact: "c1" });
		s.put("call", call("talking"));
		s.wire().say({ type: "result", req: 1 });
		await settled();
		expect(s.peer().log).toEqual(["codec audio/PCMA", "track on"]);
	});
	test("an answer that is refused closes the microphone again", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("ringing"));
		const done = s.phone.answer();
		s.wire().say({ type: "result", req: 1, code: "conflict", error: "the caller is gone" });
		expect(await done).toEqual({ code: "conflict", message: "the caller is gone" });
		await settled();
		expect(s.peer().sender.track).toBeNull();
	});
	test("mute is silence that flows: at once, and off only by the server's word", async () => {
		const s = seat();
		await s.ready();
		const track = s.devices.answer as FakeTrack;
		s.put("call", call("talking"));
		await settled();
		expect(s.peer().sender.track).toBe(track);
		expect(track.enabled).toBe(true);
		void s.phone.mute(true);
		expect(track.enabled).toBe(false);
		s.put("call", call("talking", { muted: true }));
		void s.phone.mute(false);
		expect(track.enabled).toBe(false);
		s.put("call", call("talking"));
		expect(track.enabled).toBe(true);
		expect(s.peer().sender.track).toBe(track);
	});
	test("a key that is pressed again before the document says what it did takes it back", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("talking"));
		void s.phone.mute(!s.phone.muted);
		void s.phone.mute(!s.phone.muted);
		void s.phone.hold(!s.phone.held);
		void s.phone.hold(!s.phone.held);
		const asked = s.wire().of("do") as { do: string; on: boolean }[];
		expect(asked.map((a) => `${a.do} ${a.on}`)).toEqual(["mute true", "mute false", "hold true", "hold false"]);
		s.put("call", call("hold", { muted: true }));
		expect([s.phone.muted, s.phone.held]).toEqual([false, false]); // what is asked for is on its way
		await s.done();
		s.put("call", call("talking"));
		s.put("call", call("hold", { muted: true }));
		expect([s.phone.muted, s.phone.held]).toEqual([true, true]);
	});
	test("so do the pause of the recording and the hand", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("talking", { recording: "on" }));
		const both = () => [s.phone.paused, s.phone.raised];
		const press = () => {
			void s.phone.pause(!s.phone.paused);
			void s.phone.raise(!s.phone.raised);
		};
		press();
		expect(both()).toEqual([true, true]);
		press();
		const asked = s.wire().of("do") as { do: string; on: boolean }[];
		expect(asked.map((a) => `${a.do} ${a.on}`)).toEqual([
			"rec_pause true",
			"hand true",
			"rec_pause false",
			"hand false",
		]);
		s.put("me", { state: "talking", hand: true });
		s.put("call", call("talking", { recording: "paused" }));
		expect(both()).toEqual([false, false]); // what is asked for is on its way
		await s.done();
		s.put("call", call("talking", { recording: "on" }));
		s.put("me", { state: "talking", hand: false });
		s.put("call", call("talking", { recording: "paused" }));
		s.put("me", { state: "talking", hand: true });
		expect(both()).toEqual([true, true]);
	});
	test("a hand that somebody lowers before it is seen to be up can be raised again, and a pause that ended begun", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("talking", { recording: "on" }));
		void s.phone.pause(true);
		void s.phone.raise(true);
		s.put("queue/sales", { id: "sales" }); // older than what was asked for
		expect([s.phone.paused, s.phone.raised]).toEqual([true, true]);
		await s.done();
		expect([s.phone.paused, s.phone.raised]).toEqual([true, true]);
		s.put("me", { state: "talking", hand: false });
		expect([s.phone.paused, s.phone.raised]).toEqual([false, false]);
	});
	test("a microphone that was silenced stays so until the document says it", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("talking"));
		void s.phone.mute(true);
		await s.done();
		s.put("me", { state: "talking", hand: false });
		expect([s.phone.muted, s.phone.speaks()]).toEqual([true, "muted"]);
	});
	test("what the server refused is not wished any more", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("talking", { recording: "on" }));
		void s.phone.pause(true);
		void s.phone.raise(true);
		for (const { req } of s.wire().of("do")) s.wire().say({ type: "result", req, code: "conflict", error: "no" });
		await settled();
		expect([s.phone.paused, s.phone.raised]).toEqual([false, false]);
	});
	test("what was asked for one call is not asked for the one that comes in front", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("talking"));
		void s.phone.mute(true);
		void s.phone.hold(true);
		s.put("call", call("talking", { contact: "c2" }));
		expect([s.phone.muted, s.phone.held, s.phone.speaks()]).toEqual([false, false, "open"]);
	});
	test("hold is silence, the end takes the track off", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("talking"));
		s.put("call", call("hold"));
		await settled();
		expect((s.devices.answer as FakeTrack).enabled).toBe(false);
		expect(s.peer().sender.track).not.toBeNull();
		s.put("call", call("wrap_up"));
		await settled();
		expect(s.peer().sender.track).toBeNull();
	});
	test("after a reload in mid-call the track goes out as soon as it is there", async () => {
		const s = seat();
		s.phone.start();
		s.wire().accept();
		s.wire().say(WELCOME, { type: "snapshot", seq: 1, doc: { call: call("talking") } }, { type: "tab", phone: true });
		await settled();
		await s.connect();
		expect(s.peer().sender.track).toBe(s.devices.answer);
		expect(s.peer().sender.codec).toBe("audio/PCMA");
	});
});

test("a supervisor's microphone is asked for at the first whisper, and let go when they leave", async () => {
	const s = seat("supervisor");
	await s.ready();
	expect(s.devices.asked).toBe(0);
	const listen = (mode: string) => s.put("listen", { contact: "c1", mode, since: "", codec: "PCMU" });
	void s.phone.supervise("listen", "c1");
	await settled();
	listen("listen");
	expect(s.devices.asked).toBe(0);
	void s.phone.supervise("whisper", "c1");
	await settled();
	expect(
		s
			.wire()
			.of("do")
			.map((m) => m.do),
	).toEqual(["listen", "whisper"]);
	expect(s.wire().of("media").at(-1)?.microphone).toBe("ok");
	listen("whisper");
	await settled();
	expect(s.phone.state.now.mic.at).toBe("ok");
	s.put("listen", null);
	await settled();
	expect(s.phone.state.now.mic.at).toBe("off");
});

test("a supervisor who may not barge in is not left with an open microphone", async () => {
	const s = seat("supervisor");
	await s.ready();
	const refused = s.phone.supervise("barge", "c1");
	await settled();
	const { req } = s.wire().of("do")[0] ?? { req: 0 };
	s.wire().say({ type: "result", req, code: "conflict", error: "somebody speaks already" });
	expect(await refused).toMatchObject({ code: "conflict" });
	expect(s.phone.state.now.mic.at).toBe("off");
	expect((s.devices.answer as FakeTrack).state).toBe("ended");
});

test("a connection that closes while its track is put on does not silence the next", async () => {
	const put = (replaceTrack: () => Promise<void>) =>
		({ track: null as unknown, getParameters: () => ({ codecs: [], encodings: [{}] }), replaceTrack }) as const;
	const old = put(() => new Promise(() => undefined)); // WebRTC 1.0 § 5.2, replaceTrack: closed, it never answers
	const fresh = put(async () => {
		sent.push("fresh");
		(fresh as { track: unknown }).track = track;
	});
	const sent: string[] = [];
	const track = new FakeTrack() as unknown as MediaStreamTrack;
	let sender: unknown = old;
	const outlet = new Outlet(
		"audio",
		() => sender as RTCRtpSender,
		() => true,
	);
	outlet.send({ track, codec: "" });
	await settled();
	sender = fresh;
	await outlet.apply();
	expect(sent).toEqual(["fresh"]);
});

test("taking over waits for a connection: a socket that is not open yet takes no word", async () => {
	const s = seat();
	s.phone.start();
	s.phone.takeOver();
	expect(s.wire().sent).toEqual([]);
	s.phone.stop();
});

describe("the test of the network", () => {
	test("opens the microphone towards the server, and closes it when it is over or stopped", async () => {
		const s = seat();
		await s.ready();
		const stop = new AbortController();
		const measured = s.phone.testNetwork(4000, stop.signal);
		const answer = (n: number) => s.wire().say({ type: "result", req: s.wire().of("do")[n]?.req ?? 0 });
		answer(0);
		await settled();
		expect(s.wire().of("do")[0]).toMatchObject({ do: "echo", on: true });
		expect(s.peer().sender.track).toBe(s.devices.answer);
		expect((s.devices.answer as FakeTrack).enabled).toBe(true);
		stop.abort();
		await expect(measured).rejects.toThrow();
		await settled();
		expect(s.peer().sender.track).toBeNull();
		expect(s.wire().of("do")[1]).toMatchObject({ do: "echo", on: false });
	});
	test("is refused in words during a call", async () => {
		const s = seat();
		await s.ready();
		const measured = s.phone.testNetwork(4000, new AbortController().signal);
		const { req } = s.wire().of("do")[0] ?? { req: 0 };
		s.wire().say({ type: "result", req, code: "conflict", error: "the network cannot be tested during a call" });
		await expect(measured).rejects.toThrow("during a call");
		expect(s.peer().sender.track).toBeNull();
	});
});
