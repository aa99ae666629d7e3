const assert = require('node:assert');
const test = require('node:test');

test('numbers add up', () => {
  assert.strictEqual(1 + 1, 2);
});
