import assert from 'node:assert/strict';
import { test } from 'node:test';
import { archive, title } from '../lib/texts.mjs';

test('the title says whose notes they are', () => {
  assert.match(title, /everybody/);
});

test('the archive has a line for each note', () => {
  assert.equal(archive().trim().split('\n').length, 400);
});
