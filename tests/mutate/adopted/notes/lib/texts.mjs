export const title = 'Notes of everybody\n';

export function archive() {
  return Array.from({ length: 400 }, (_, index) => `note ${index}\n`).join('');
}
