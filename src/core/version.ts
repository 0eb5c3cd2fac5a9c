/** The package's version, written in by the build. */
declare const PARALLAMA_VERSION: string | undefined;

export const VERSION: string = typeof PARALLAMA_VERSION === 'string' ? PARALLAMA_VERSION : '0.0.0-source';
