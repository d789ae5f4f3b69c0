package dev.libretto.generate;

/** Why a text ended. */
public enum End {
    /** It has as many characters as were asked for. */
    LENGTH,
    /** A stop text was written. */
    STOP,
    /** The model ended the document. */
    DOCUMENT_END,
    /** The sampler had no character left to choose. */
    NO_CHARACTER
}
