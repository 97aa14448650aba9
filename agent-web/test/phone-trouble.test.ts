import { describe, expect, test, vi } from "vitest";
import { FakePeer, FakeTrack, settled } from "./fakes.ts";
import { call, ownClock, seat } from "./phone-seat.ts";

ownClock();

describe("trouble", () => {
	test("a socket that is lost leaves the connected media alone", async () => {
		const s = seat();
		await s.ready();
		s.wire().cut();
		vi.advanceTimersByTime(200);
		await s.welcome();
		expect(s.peers).toHaveLength(1);
		expect(s.wire().of("offer")).toEqual([]);
	});
	test("a media connection that failed is made anew under the next number", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("talking"));
		s.peer().move("failed");
		expect(s.phone.state.now.media.at).toBe("waiting");
		vi.advanceTimersByTime(100);
		await settled();
		expect(s.wire().of("offer").at(-1)?.peer).toBe(2);
		await s.connect();
		expect(s.peer().sender.track).toBe(s.devices.answer);
	});
	test("a connection that the browser cannot offer is made anew at once", async () => {
		vi.spyOn(console, "warn").mockImplementation(() => undefined);
		const refused = new Error("refused");
		for (const step of ["createOffer", "setLocalDescription", "addTransceiver"] as const) {
			const broken = vi.spyOn(FakePeer.prototype, step).mockImplementationOnce(() => {
				if (step === "addTransceiver") throw refused;
				return Promise.reject(refused) as never;
			});
			const s = seat();
			s.phone.start();
			await s.welcome();
			expect([step, s.wire().of("offer").length, s.phone.state.now.media.at]).toEqual([step, 0, "waiting"]);
			expect(s.peer().connectionState).toBe("closed");
			vi.advanceTimersByTime(100);
			await settled();
			expect(s.wire().of("offer").at(-1)?.peer).toBe(2);
			await s.connect();
			expect(s.phone.state.now.media.at).toBe("ready");
			s.phone.stop();
			broken.mockRestore();
		}
		vi.restoreAllMocks();
	});
	test("a short hiccup of the network is waited for", async () => {
		const s = seat();
		await s.ready();
		s.peer().move("disconnected");
		vi.advanceTimersByTime(1500);
		s.peer().move("connected");
		vi.advanceTimersByTime(5000);
		expect(s.peers).toHaveLength(1);
	});
	test("a lost way is found anew by an ICE restart of the same connection", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("talking"));
		s.peer().move("disconnected");
		await settled();
		expect(s.wire().of("offer").at(-1)).toEqual({ type: "offer", sdp: "restart", peer: 1 });
		s.wire().say({ type: "candidate", peer: 1, candidate: "new way" });
		expect(s.peer().added).toEqual([]);
		s.wire().say({ type: "answer", sdp: "v=0", peer: 1 });
		await settled();
		expect(s.peer().added).toEqual(["new way"]);
		s.peer().move("connected");
		vi.advanceTimersByTime(10_000);
		await settled();
		expect(s.peers).toHaveLength(1);
		expect(s.peer().sender.track).toBe(s.devices.answer);
	});
	test("a restart in vain gives way to a new connection", async () => {
		const s = seat();
		await s.ready();
		s.peer().move("disconnected");
		await settled();
		vi.advanceTimersByTime(4100);
		await settled();
		vi.advanceTimersByTime(100);
		await settled();
		expect(s.peers).toHaveLength(2);
		expect(s.wire().of("offer").at(-1)?.peer).toBe(2);
	});
	test("a lost way without a socket is found anew when the socket is back", async () => {
		const s = seat();
		await s.ready();
		s.wire().cut();
		s.peer().move("disconnected");
		await settled();
		vi.advanceTimersByTime(3000);
		await s.welcome();
		expect(s.wire().of("offer")).toEqual([{ type: "offer", sdp: "restart", peer: 1 }]);
		expect(s.peers).toHaveLength(1);
	});
	test("another network: a restart at once; a connection that stands is left alone", async () => {
		const s = seat();
		await s.ready();
		s.phone.networkChanged();
		await settled();
		expect(s.wire().of("offer").at(-1)?.sdp).toBe("restart");
		s.wire().say({ type: "answer", sdp: "v=0", peer: 1 });
		await settled();
		vi.advanceTimersByTime(10_000);
		await settled();
		expect(s.peers).toHaveLength(1);
	});
	test("a server that says it has no media gets a new connection", async () => {
		const s = seat();
		await s.ready();
		s.put("me", { ready: false, not_ready: "connection" });
		for (let second = 1; second <= 5; second++) {
			vi.advanceTimersByTime(1000);
			s.wire().say({ type: "pong", id: second });
		}
		await settled();
		expect(s.peers).toHaveLength(2);
	});
	test("an answer to an old offer is not taken", async () => {
		const s = seat();
		s.phone.start();
		await s.welcome();
		s.wire().say({ type: "answer", sdp: "v=0", peer: 99 });
		await settled();
		expect(s.peer().answered).toBe("no");
	});
	test.each([
		["NotAllowedError", "denied", "denied"],
		["NotFoundError", "missing", "missing"],
		["NotReadableError", "missing", "missing"],
	])("%s is reported as %s", async (error, at, reported) => {
		const s = seat();
		s.devices.answer = error;
		s.phone.start();
		await s.welcome();
		expect(s.phone.state.now.mic.at).toBe(at);
		expect(s.wire().of("media").at(-1)?.microphone).toBe(reported);
		s.devices.answer = new FakeTrack();
		s.devices.dispatchEvent(new Event("devicechange"));
		await settled();
		expect(s.wire().of("media").at(-1)?.microphone).toBe("ok");
	});
	test("an unplugged headset is replaced by another in mid-call", async () => {
		const s = seat();
		await s.ready();
		s.put("call", call("talking"));
		const old = s.devices.answer as FakeTrack;
		const fresh = new FakeTrack();
		s.devices.answer = fresh;
		old.unplug();
		await settled();
		expect(
			s
				.wire()
				.of("media")
				.map((m) => m.microphone),
		).toContain("ended");
		expect(s.peer().sender.track).toBe(fresh);
	});
	test("devices, and what was heard, are reported every 5 s", async () => {
		const s = seat();
		await s.ready();
		const before = s.wire().of("media").length;
		vi.advanceTimersByTime(4999);
		s.wire().say({ type: "pong", id: 1 });
		await vi.advanceTimersByTimeAsync(1);
		expect(s.wire().of("media").length).toBe(before + 1);
		expect(s.wire().of("media").at(-1)).toMatchObject({ samples: 8000, concealed: 160 });
	});
	test("signed out, everything is let go", async () => {
		const s = seat();
		await s.ready();
		s.phone.stop();
		expect(s.peer().connectionState).toBe("closed");
		expect((s.devices.answer as FakeTrack).state).toBe("ended");
		expect(s.phone.doc.now.me).toBeNull();
	});
});
