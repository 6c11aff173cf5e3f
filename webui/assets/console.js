// The console's behaviours, one module each, bound by data attributes.
import "./behaviours/htmx.js";
import "./behaviours/age.js";
import "./behaviours/clone.js";
import "./behaviours/copy.js";
import "./behaviours/live.js";
import "./behaviours/log.js";
import "./behaviours/navigation.js";
import "./behaviours/typed-name.js";
