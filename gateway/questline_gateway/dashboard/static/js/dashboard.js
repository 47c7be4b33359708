// What pages can do where scripts run. They read and work without it.
import { copyOnClick } from "./copy.js";
import { dialogs } from "./dialogs.js";
import { keyboard } from "./keyboard.js";
import { selection } from "./selection.js";
import { ages } from "./ages.js";
import { scheme } from "./scheme.js";
import { lanes } from "./lanes.js";
import { live } from "./live.js";

const scripted = () => document.querySelectorAll("[data-do=theme], [data-do=keys]").forEach((button) => { button.hidden = false; });

scripted();
scheme();
copyOnClick();
dialogs();
selection();
keyboard();
ages();
lanes();
live();
