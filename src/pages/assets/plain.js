/** Pages without anything but a theme. */
import { byId } from './element.js';
import { themeSwitch } from './theme.js';

themeSwitch(/** @type {HTMLButtonElement} */ (byId('theme')));
