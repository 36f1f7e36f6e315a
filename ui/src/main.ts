import "./shared/locale-guard";
import { mount } from "svelte";
import App from "./views/App.svelte";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");
mount(App, { target });
