// Saving a card with Stripe's own form: the card's number goes from the student's browser to Stripe, never to us.
"use strict";

const form = document.querySelector("[data-card-form]");
const fault = form.querySelector("[data-card-fault]");
const button = form.querySelector("button");
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const stripe = Stripe(form.dataset.publishableKey);
const elements = stripe.elements({
  mode: "setup",
  currency: "usd",
  paymentMethodTypes: ["card"],
  appearance: { theme: dark ? "night" : "stripe" },
});
const card = elements.create("payment");
card.on("ready", () => button.removeAttribute("disabled"));
card.on("loaderror", () => show("Stripe’s form can’t be loaded right now. Try again in a moment."));
card.mount(form.querySelector("[data-card-element]"));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  show("");
  button.setAttribute("disabled", "");
  const problem = await save().catch(() => "Something went wrong on the way to Stripe. Nothing was saved; try again.");
  if (problem) {
    show(problem);
    setTimeout(() => button.removeAttribute("disabled")); // after site.js has disabled it
  }
});

// Returns what went wrong. If nothing did, Stripe leads the browser on to the page that keeps the card.
async function save() {
  const { error: incomplete } = await elements.submit();
  if (incomplete) {
    return incomplete.message;
  }
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
  if (answer.status === 429) {
    return "That was tried too often. Nothing was saved; try again in a minute.";
  }
  const setup = await answer.json();
  if (!answer.ok) {
    return setup.message;
  }
  const { error } = await stripe.confirmSetup({
    elements,
    clientSecret: setup.client_secret,
    confirmParams: { return_url: form.dataset.savedUrl },
  });
  return error?.message;
}

function show(message) {
  fault.textContent = message;
}
