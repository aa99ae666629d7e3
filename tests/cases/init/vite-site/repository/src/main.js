document.querySelector("#app").textContent = "We ship on Fridays";
