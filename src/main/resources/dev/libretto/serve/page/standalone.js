
showInspection(document.getElementById('inspection'), JSON.parse(document.getElementById('data').textContent));
