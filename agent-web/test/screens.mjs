// Looks at every view without a server: the built app in Chromium, with the
// HTTP API and the seat socket answered from here. Writes pictures, runs axe,
// and fails on a script error, a refused style or a serious finding of axe.
//
//	npm run build && node test/screens.mjs OUT-FOLDER [name-filter] [look-filter]
import { mkdir, readFile } from "node:fs/promises";
import { extname } from "node:path";
import { chromium } from "playwright-core";
import { api, doc, people } from "./fixture.mjs";

const [out = "screens", only = "", look = ""] = process.argv.slice(2);
const origin = "http://localhost:5999";
const dist = new URL("../dist/", import.meta.url);
const policy =
	"default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'self'";
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const axe = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

const looks = [
	{ language: "en", theme: "light", width: 1280, height: 720 },
	{ language: "zh", theme: "dark", width: 1280, height: 720 },
	{ language: "en", theme: "contrast", width: 1280, height: 720 },
	{ language: "zh", theme: "light", width: 390, height: 844 },
	{ language: "en", theme: "dark", width: 390, height: 844 },
].filter((l) => `${l.language}-${l.theme}-${l.width}`.includes(look));

/** Each view: who looks, where, what the seat says, and what is pressed first. */
const views = [
	{ name: "signin", user: "", path: "/", ready: "[data-testid=signin-alice]" },
	{ name: "signin-failed", user: "", path: "/", ready: "[data-testid=signin-alice]", act: (p) => signInWrong(p) },
	{ name: "password", user: "new", path: "/", ready: "input[name=new]" },
	{ name: "seat-idle", user: "alice", path: "/", doc: "idle" },
	{ name: "seat-empty", user: "alice", path: "/", doc: "empty", empty: true },
	{ name: "seat-ringing", user: "alice", path: "/", doc: "ringing" },
	{ name: "seat-talking", user: "alice", path: "/", doc: "talking" },
	{ name: "seat-keypad", user: "alice", path: "/", doc: "talking", act: (p) => p.getByTestId("keypad").click() },
	{ name: "seat-hold", user: "alice", path: "/", doc: "hold" },
	{ name: "seat-wrapup", user: "alice", path: "/", doc: "wrapup" },
	{ name: "seat-wrapup-mandatory", user: "alice", path: "/", doc: "wrapupMandatory" },
	{ name: "seat-wrapup-fixed", user: "alice", path: "/", doc: "wrapupFixed" },
	{ name: "seat-wrapup-wanted", user: "alice", path: "/", doc: "wrapupWanted" },
	{
		name: "seat-side",
		user: "alice",
		path: "/",
		doc: "talking",
		narrow: true,
		act: (p) => p.locator("[aria-expanded][class*='self-start']").click(),
	},
	{ name: "seat-nomic", user: "alice", path: "/", doc: "idle", mic: "none" },
	{ name: "seat-lost", user: "alice", path: "/", doc: "talking", lost: true },
	{ name: "seat-elsewhere", user: "alice", path: "/", doc: "idle", phone: false },
	{ name: "seat-keys", user: "alice", path: "/", doc: "idle", act: (p) => p.keyboard.press("?") },
	{
		name: "seat-menu",
		user: "alice",
		path: "/",
		doc: "idle",
		act: (p) => p.locator("header [aria-haspopup=menu]").first().click(),
	},
	{ name: "seat-video", user: "alice", path: "/", doc: "video", video: true, act: (p) => showCamera(p) },
	{
		name: "seat-video-large",
		user: "alice",
		path: "/",
		doc: "video",
		video: true,
		act: async (p) => {
			await showCamera(p);
			await p.keyboard.press("l");
		},
	},
	{ name: "seat-video-waiting", user: "alice", path: "/", doc: "video" },
	{ name: "seat-video-weak", user: "alice", path: "/", doc: "videoWeak", video: true },
	{ name: "seat-video-alone", user: "alice", path: "/", doc: "videoAlone", video: true, act: (p) => showCamera(p) },
	{
		name: "seat-headset-camera",
		user: "alice",
		path: "/",
		doc: "idle",
		act: async (p) => {
			await p.keyboard.press("s");
			await p.getByTestId("camera-look").click();
			await p.waitForSelector("[data-testid=camera-preview][data-state=on]");
		},
	},
	{ name: "calls-ringing", user: "alice", path: "/calls", doc: "ringing" },
	{ name: "floor", user: "sam", path: "/", doc: "floor" },
	{ name: "wall", user: "sam", path: "/wall", doc: "floor" },
	{ name: "floor-empty", user: "sam", path: "/", doc: "floorEmpty" },
	{
		name: "floor-listen",
		user: "sam",
		path: "/floor",
		doc: "listening",
		act: (p) =>
			p
				.getByTestId("floor-call")
				.first()
				.click()
				.catch(() => {}),
	},
	{
		name: "floor-barge",
		user: "sam",
		path: "/floor",
		doc: "barging",
	},
	{ name: "seat-coached", user: "alice", path: "/", doc: "coached" },
	{ name: "calls", user: "sam", path: "/calls", doc: "floor" },
	{ name: "calls-empty", user: "sam", path: "/calls", doc: "floor", empty: true },
	{ name: "calls-error", user: "sam", path: "/calls", doc: "floor", broken: true },
	{
		name: "call",
		user: "sam",
		path: "/calls/c1",
		doc: "floor",
		ready: "[data-testid=recording-play]",
		act: (p) => p.getByTestId("recording-verify").click(),
	},
	{
		name: "call-ladder",
		user: "sam",
		path: "/calls/c1",
		doc: "floor",
		ready: "[data-testid=recording-play]",
		act: (p) => p.locator("#tab-ladder").click(),
	},
	{
		name: "call-quality",
		user: "sam",
		path: "/calls/c1",
		doc: "floor",
		ready: "[data-testid=recording-play]",
		act: (p) => p.locator("#tab-quality").click(),
	},
	{ name: "call-unrecorded", user: "sam", path: "/calls/c2", doc: "floor" },
	{ name: "call-missing", user: "sam", path: "/calls/none", doc: "floor" },
	{ name: "people", user: "ada", path: "/people", doc: "floor" },
	{ name: "audit", user: "ada", path: "/audit", doc: "floor" },
	{ name: "missing", user: "alice", path: "/no/such", doc: "idle" },
].filter((v) => v.name.includes(only));

/** Switches the camera on and waits until it is seen. */
async function showCamera(page) {
	await page.keyboard.press("v");
	await page.waitForSelector("[data-testid=self-view][data-state=on]");
}

/** In the place of what another browser would send: a picture that moves. */
function pictures() {
	const canvas = document.createElement("canvas");
	canvas.width = 640;
	canvas.height = 360;
	const g = canvas.getContext("2d");
	const disc = (x, y, rx, ry, colour) => {
		g.fillStyle = colour;
		g.beginPath();
		g.ellipse(x, y, rx, ry, 0, 0, 7);
		g.fill();
	};
	setInterval(() => {
		g.fillStyle = "#7a9e8a";
		g.fillRect(0, 0, 640, 360);
		disc(320, 410, 175, 155, "#28326e");
		disc(320, 125, 78, 90, "#3c2819");
		disc(320, 150 + Math.sin(performance.now() / 500) * 3, 62, 80, "#e0ac91");
	}, 50);
	const add = RTCPeerConnection.prototype.addTransceiver;
	RTCPeerConnection.prototype.addTransceiver = function (kind, init) {
		const made = add.call(this, kind, init);
		if (kind !== "video") return made;
		return { receiver: { track: canvas.captureStream(20).getVideoTracks()[0] }, sender: made.sender };
	};
}

async function signInWrong(page) {
	await page.fill("input[name=user]", "alice");
	await page.fill("input[name=password]", "wrong");
	await page.click("form button");
}

await mkdir(out, { recursive: true });
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: [
		"--no-sandbox",
		"--disable-gpu",
		"--disable-quic",
		"--no-first-run",
		"--disable-background-networking",
		"--disable-sync",
	].concat(["--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required"]),
});
const findings = [];
for (const view of views) {
	for (const look of view.narrow ? looks.filter((l) => l.width < 900) : looks) await shoot(view, look);
}
await browser.close();
for (const f of findings) console.error(f);
console.log(`${views.length} views, ${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);

async function shoot(view, look) {
	const name = `${view.name}-${look.language}-${look.theme}-${look.width}`;
	const context = await browser.newContext({
		viewport: { width: look.width, height: look.height },
		permissions: view.mic === "none" ? [] : ["microphone", "camera"],
		reducedMotion: "reduce",
		bypassCSP: false,
	});
	await context.addInitScript(
		(prefs) => localStorage.setItem("callfloor.prefs", prefs),
		JSON.stringify({ ...look, letters: "on" }),
	);
	const page = await context.newPage();
	const trouble = (text) => findings.push(`${name}: ${text}`);
	page.on("pageerror", (e) => trouble(`script error: ${e.message}`));
	page.on("console", (m) => /Content Security Policy/.test(m.text()) && trouble(m.text()));
	if (view.video) await context.addInitScript(pictures);
	await context.route(`${origin}/**`, (route) => answer(route, view));
	await page.routeWebSocket(/api\/v1\/seat/, (ws) => seat(ws, view));
	await page.goto(origin + view.path);
	await page.waitForSelector(view.ready ?? "main h1, main p", { timeout: 10_000 }).catch((e) => trouble(e.message));
	if (view.doc) await page.waitForSelector("header").catch((e) => trouble(e.message));
	await view.act?.(page);
	await page.waitForTimeout(view.lost ? 900 : 350);
	await page.screenshot({ path: `${out}/${name}.png` });
	const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	if (wide > 0) trouble(`the page is ${wide} px wider than the window`);
	await check(page, trouble);
	await context.close();
}

/** axe is run in an isolated world of its own making: the page's policy refuses a script tag. */
async function check(page, trouble) {
	const result = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] })`);
	for (const v of result.violations.filter((v) => v.impact === "serious" || v.impact === "critical")) {
		trouble(
			`axe ${v.impact} ${v.id}: ${v.nodes
				.map((n) => `${n.target} ${n.any[0]?.message ?? ""}`)
				.slice(0, 3)
				.join(" | ")}`,
		);
	}
}

async function answer(route, view) {
	const request = route.request();
	const url = new URL(request.url());
	if (url.pathname.startsWith("/api/")) {
		const { status, json } = api(request.method(), url, view);
		return route.fulfill({ status, contentType: "application/json", body: JSON.stringify(json ?? null) });
	}
	const file = extname(url.pathname) ? url.pathname.slice(1) : "index.html";
	const body = await readFile(new URL(file, dist)).catch(() => null);
	if (!body) return route.fulfill({ status: 404, body: "" });
	return route.fulfill({
		body,
		contentType: types[extname(file)] ?? "application/octet-stream",
		headers: { "Content-Security-Policy": policy },
	});
}

function seat(ws, view) {
	ws.onMessage((text) => {
		const m = JSON.parse(text);
		const say = (o) => ws.send(JSON.stringify(o));
		if (m.type === "hello") {
			if (view.lost && m.epoch) return;
			say({
				type: "welcome",
				protocol: 1,
				epoch: "e",
				user: view.user,
				role: people[view.user].role,
				now: new Date().toISOString(),
				ice_servers: [],
				tracks: ["customer", "third", "coach"],
				video: ["customer", "third"],
			});
			say({ type: "snapshot", seq: 1, doc: doc(view.doc, view.user) });
			say({ type: "tab", phone: view.phone ?? true });
			if (view.lost) setTimeout(() => ws.close(), 200);
		}
		if (m.type === "ping") say({ type: "pong", id: m.id });
		if (m.type === "do") say({ type: "result", req: m.req });
		if (m.type === "do" && m.do === "video") {
			const { call } = doc(view.doc, view.user);
			const video = { ...call.video, own: m.on ? m.source : "", state: m.on ? "on" : "" };
			say({ type: "change", seq: 2, key: "call", value: { ...call, video } });
		}
	});
}
