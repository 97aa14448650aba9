/** Sorting is which column a table is sorted by, and which way. */
export class Sorting<T> {
	column = $state("");
	direction = $state<"ascending" | "descending">("ascending");

	constructor(
		first: string,
		private readonly columns: Record<string, (row: T) => string | number>,
	) {
		this.column = first;
	}

	by(column: string): void {
		if (this.column === column) this.direction = this.direction === "ascending" ? "descending" : "ascending";
		else {
			this.column = column;
			this.direction = "ascending";
		}
	}

	sort(rows: readonly T[]): T[] {
		const of = this.columns[this.column];
		if (!of) return [...rows];
		const sign = this.direction === "ascending" ? 1 : -1;
		return [...rows].sort((a, b) => {
			const x = of(a);
			const y = of(b);
			return sign * (x < y ? -1 : x > y ? 1 : 0);
		});
	}
}
