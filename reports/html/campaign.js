'use strict';
addEventListener('error', (event) => { document.documentElement.dataset.error = event.message; });
document.documentElement.classList.add('scripted');
const buttons = document.querySelectorAll('.command button');
for (const button of buttons) {
  button.addEventListener('click', () => {
    getSelection().selectAllChildren(button.previousElementSibling);
    // The older call works from file:// too, where the clipboard interface may be missing.
    button.textContent = document.execCommand('copy') ? 'Copied' : 'Press Ctrl+C';
  });
}
// What the browser test waits for.
document.documentElement.dataset.rendered = String(buttons.length);
