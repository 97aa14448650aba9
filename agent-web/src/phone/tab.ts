/**
 * The name of this tab: it outlives a reload and is not shared with a second
 * tab. A duplicated tab gets a copy of sessionStorage, so the name stands
 * there only while the page is being replaced.
 */
export function tabName(storage: Storage, page: EventTarget, random: () => string = () => crypto.randomUUID()): string {
	const key = "callfloor.tab";
	const name = storage.getItem(key) ?? random();
	storage.removeItem(key);
	page.addEventListener("pagehide", () => storage.setItem(key, name));
	page.addEventListener("pageshow", () => storage.removeItem(key));
	return name;
}
