import { untrack } from "svelte";
import { ringing as callThatRings } from "../phone/doc.ts";
import type { App } from "../state/app.svelte.ts";
import { ringsBeside } from "../state/lines.ts";
import type { Seat } from "../state/seat.svelte.ts";

/** How long it rings before the seat answers by itself. */
const AUTO_ANSWER_MS = 1000;
const TAG = "callfloor-ringing";

/** Everything outside the page that says "it rings": sound, title, icon, a notification. */
export function ringing(app: App, seat: Seat): void {
	const { ringer } = seat;
	const rings = $derived(callThatRings(seat.doc));
	const beside = $derived(ringsBeside(seat.doc) !== null);
	const contact = $derived(rings?.contact ?? "");
	const from = $derived(rings?.from || app.t("call.from.hidden"));
	const connected = $derived(seat.state.link.at === "live");
	const worker = register();

	$effect(() => {
		const told = ({ data }: MessageEvent) => {
			const { type, contact: which } = (data ?? {}) as { type?: string; contact?: string };
			if (type !== "answer" || which !== untrack(() => contact) || seat.state.tab !== "phone") return;
			void app.run(seat.phone.answer());
		};
		navigator.serviceWorker?.addEventListener("message", told);
		return () => navigator.serviceWorker?.removeEventListener("message", told);
	});

	// A call that the seat shall answer by itself: a short ring, then the answer.
	$effect(() => {
		if (contact === "" || beside || !rings?.auto_answer || !connected) return;
		const timer = setTimeout(() => {
			if (seat.state.tab === "phone") void app.run(seat.phone.answer());
		}, AUTO_ANSWER_MS);
		return () => clearTimeout(timer);
	});

	$effect(() => {
		if (contact === "") return;
		ringer.start(beside ? "beside" : "ring");
		const take = untrack(() => notify(app, worker, contact, from, rings?.queue_name ?? "", rings?.waited ?? 0));
		return () => {
			ringer.stop();
			take();
		};
	});

	$effect(() => {
		if (contact === "") {
			document.title = app.t("app.name");
			return;
		}
		let n = 0;
		const flash = () => {
			document.title = n++ % 2 === 0 ? app.t("title.ringing", { from }) : app.t("app.name");
		};
		flash();
		const timer = setInterval(flash, 1000);
		return () => {
			clearInterval(timer);
			document.title = app.t("app.name"); // signed out while it rang
		};
	});

	$effect(() => {
		const icon = contact !== "" ? "favicon-ringing" : connected ? "favicon" : "favicon-lost";
		document.getElementById("favicon")?.setAttribute("href", `/${icon}.svg`);
		return () => document.getElementById("favicon")?.setAttribute("href", "/favicon.svg");
	});
}

/** Tells the server whether a second call may ring, as this browser's switch says; again after its restart. */
export function callWaiting(app: App, seat: Seat): void {
	const wanted = $derived(app.prefs.waiting === "on");
	const has = $derived(seat.doc.me?.call_waiting ?? false);
	const mayTell = $derived(
		seat.state.link.at === "live" &&
			seat.state.tab === "phone" &&
			seat.doc.me?.role === "agent" &&
			!seat.doc.me.telephone,
	);
	$effect(() => {
		if (mayTell && wanted !== has) void seat.phone.do("waiting", { on: wanted });
	});
}

/** Shows the call outside of the page, unless the page is looked at; returns how to take that back. */
function notify(
	app: App,
	worker: Promise<ServiceWorkerRegistration | null>,
	contact: string,
	from: string,
	queue: string,
	waited: number,
): () => void {
	if (!("Notification" in window) || Notification.permission !== "granted" || document.visibilityState === "visible") {
		return () => undefined;
	}
	const title = app.t("notify.title", { queue });
	const options: NotificationOptions & { actions?: { action: string; title: string }[] } = {
		body: app.t("notify.body", { from, t: app.clock(waited) }),
		tag: TAG,
		icon: "/favicon-ringing.svg",
		requireInteraction: true,
		data: { contact },
	};
	let over = false;
	let plain: Notification | undefined;
	void worker.then(async (registration) => {
		if (over) return;
		if (!registration?.active) {
			plain = new Notification(title, options);
			plain.onclick = () => {
				window.focus();
				plain?.close();
			};
			return;
		}
		// Only a service worker's notification may have a button.
		await registration.showNotification(title, {
			...options,
			actions: [{ action: "answer", title: app.t("notify.answer") }],
		} as NotificationOptions);
		if (over) await close(registration);
	});
	return () => {
		over = true;
		plain?.close();
		void worker.then((registration) => registration && close(registration));
	};
}

async function close(registration: ServiceWorkerRegistration): Promise<void> {
	for (const note of await registration.getNotifications({ tag: TAG })) note.close();
}

/** The worker of the notifications; null where there can be none. */
async function register(): Promise<ServiceWorkerRegistration | null> {
	try {
		if (!("serviceWorker" in navigator)) return null;
		await navigator.serviceWorker.register("/sw.js");
		return await navigator.serviceWorker.ready;
	} catch {
		return null; // a browser that refuses it: a plain notification will do
	}
}
