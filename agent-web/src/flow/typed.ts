/** The keys of a telephone. */
export const PHONE_KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

/** Digits typed anywhere in a telephone press its keys; in its fields they are text. */
export function typed(press: (key: string) => void): (event: KeyboardEvent) => void {
	return (event) => {
		const field = event.target instanceof Element && event.target.matches("input, textarea, select");
		if (field || !PHONE_KEYS.includes(event.key) || event.ctrlKey || event.metaKey || event.altKey || event.repeat)
			return;
		event.preventDefault();
		event.stopPropagation();
		press(event.key);
	};
}
