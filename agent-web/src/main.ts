import { mount } from "svelte";
import AppView from "./App.svelte";
import "./app.css";
import { App } from "./state/app.svelte.ts";

const target = document.getElementById("app");
if (target) {
	const app = new App();
	void app.begin();
	mount(AppView, { target, props: { app } });
}
