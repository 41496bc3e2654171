declare module 'sodium-native' {
  const sodium: import('./sodium.ts').Sodium;
  export default sodium;
}
