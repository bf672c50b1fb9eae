// Shows the places of a table on a map. Without tiles, unless the city has chosen a server of them.
import L from 'leaflet';
import 'leaflet/dist/leaflet.css';
import './map.css';

for (const figure of document.querySelectorAll('figure[data-map]')) {
  const canvas = figure.querySelector('.canvas');
  canvas.hidden = false;
  const map = L.map(canvas, { attributionControl: Boolean(figure.dataset.tiles), zoomSnap: 0.25, keyboard: true });
  if (figure.dataset.tiles) L.tileLayer(figure.dataset.tiles, { attribution: figure.dataset.attribution }).addTo(map);
  const layers = [];
  if (figure.dataset.bbox) {
    const [west, south, east, north] = figure.dataset.bbox.split(' ').map(Number);
    layers.push(L.rectangle([[south, west], [north, east]], { className: 'extent', interactive: false }));
  }
  for (const row of figure.querySelectorAll('tr[data-latitude]')) {
    const name = row.querySelector('th').textContent.trim();
    const marker = L.circleMarker([row.dataset.latitude, row.dataset.longitude], { radius: 9, className: 'place' });
    const text = document.createTextNode(name); // a string would be read as HTML
    marker.bindTooltip(text, { permanent: true, direction: 'right', offset: [10, 0], className: 'name' });
    layers.push(marker);
  }
  const group = L.featureGroup(layers).addTo(map);
  map.fitBounds(group.getBounds(), { padding: [40, 40], maxZoom: 15 });
  L.control.scale({ imperial: false }).addTo(map);
}
