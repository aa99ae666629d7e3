document.querySelector("#app").textContent = `We ship on ${import.meta.env.VITE_DAY}`;
