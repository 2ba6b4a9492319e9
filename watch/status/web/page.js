
(function () {
  "use strict";
  var d = document, skew = 0;
  function zone() {
    d.querySelectorAll("time:not([data-done])").forEach(function (t) {
      t.dataset.done = "1";
      var at = new Date(t.dateTime), day = at.toISOString().slice(0, 10);
      if (at.getTimezoneOffset() === 0) return;
      var how = { hour: "2-digit", minute: "2-digit", timeZoneName: "short", hourCycle: "h23" };
      if (t.textContent.length > 12 || day !== at.toLocaleDateString("sv")) { how.month = "short"; how.day = "numeric"; how.weekday = "short"; }
      var s = d.createElement("span");
      s.className = "local";
      s.textContent = " (" + at.toLocaleString(undefined, how) + ")";
      t.after(s);
    });
  }
  function long(ms) {
    var min = Math.floor(ms / 60000);
    return min < 120 ? min + " min" : min < 2880 ? Math.floor(min / 60) + " h" : Math.floor(min / 1440) + " days";
  }
  function age() {
    var b = d.body, old = Date.now() + skew - Number(b.dataset.at), note = d.querySelector(".old");
    if (old > Number(b.dataset.fresh) && note) {
      b.classList.add("stale", "aged");
      note.textContent = "This page has heard nothing new for " + long(old) + ": treat everything on it as unknown.";
      d.title = "Unknown: this page is old";
    }
  }
  function renew() {
    fetch(location.href, { cache: "no-store" }).then(function (r) {
      var date = Date.parse(r.headers.get("Date"));
      if (date) skew = date - Date.now();
      return r.ok ? r.text() : "";
    }).then(function (text) {
      var fresh = new DOMParser().parseFromString(text, "text/html").body;
      if (!fresh.dataset.at || Number(fresh.dataset.at) < Number(d.body.dataset.at)) return age();
      var open = Array.prototype.map.call(d.querySelectorAll("details"), function (x) { return x.open; });
      d.body.replaceWith(fresh);
      d.querySelectorAll("details").forEach(function (x, n) { x.open = !!open[n]; });
      d.title = new DOMParser().parseFromString(text, "text/html").title;
      zone();
      age();
    }).catch(age);
  }
  d.documentElement.classList.add("js");
  zone();
  age();
  setInterval(age, 1000);
  if (location.protocol.indexOf("http") === 0) setInterval(renew, 20000);
})();
