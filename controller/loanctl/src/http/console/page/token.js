// The token that a controller may ask its readers for. It is kept for this tab alone.

import { byId } from "./dom.js";

const KEPT_AS = "loan-token";

export function authorization() {
  const token = sessionStorage.getItem(KEPT_AS);
  return token ? { authorization: `Bearer ${token}` } : {};
}

let asking = null;

/** Asks for the token, and resolves when one was given. One that was refused is forgotten. */
export function askForToken() {
  asking ??= new Promise((resolve) => {
    const dialog = byId("token");
    const field = byId("token-field");
    const refused = sessionStorage.getItem(KEPT_AS) !== null;
    sessionStorage.removeItem(KEPT_AS);
    byId("token-problem").textContent = refused ? "That is not the controller's token." : "";
    field.value = "";
    byId("token-form").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEPT_AS, field.value.trim());
      dialog.close();
      asking = null;
      resolve();
    };
    // Without a token there is nothing to go back to.
    dialog.oncancel = (event) => event.preventDefault();
    dialog.showModal();
    field.focus();
  });
  return asking;
}
