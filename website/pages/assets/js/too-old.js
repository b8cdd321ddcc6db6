// For browsers without modules: says in the page's own words that it cannot work here.
(function () {
  var place = document.getElementById('too-old');
  if (place) place.removeAttribute('hidden');
})();
