// The seat's service worker: it shows the notification of a ringing call and
// brings its Answer back to the tab that is the phone. It caches nothing.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("notificationclick", (event) => {
	const { contact } = event.notification.data ?? {};
	event.notification.close();
	event.waitUntil(
		(async () => {
			const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
			// Every tab is told; only the phone, in which it rings, answers.
			for (const tab of tabs) tab.postMessage({ type: event.action === "answer" ? "answer" : "show", contact });
			const tab = tabs.find((t) => t.visibilityState === "visible") ?? tabs[0];
			// Refused where there was no click of a person: the call is answered all the same.
			await tab?.focus().catch(() => undefined);
		})(),
	);
});
