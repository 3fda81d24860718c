'use strict';
document.documentElement.classList.add('scripted');
for (const button of document.querySelectorAll('.command button')) {
  button.addEventListener('click', () => {
    getSelection().selectAllChildren(button.previousElementSibling);
    // The older call works from file:// too, where the clipboard interface may be missing.
    button.textContent = document.execCommand('copy') ? 'Copied' : 'Press Ctrl+C';
  });
}
