package dev.libretto.train;

/**
 * The result of an evaluation.
 *
 * @param characters the number of characters predicted
 * @param bytes their size in UTF-8; 0 if unknown
 * @param loss mean cross entropy in nats per character
 */
public record Evaluation(long characters, long bytes, double loss) {
    /** Returns a copy with the size of the predicted characters in UTF-8. */
    public Evaluation withBytes(long newBytes) {
        return new Evaluation(characters, newBytes, loss);
    }

    /** Returns the perplexity, exp(loss): a uniform choice among that many characters is as uncertain. */
    public double perplexity() {
        return Math.exp(loss);
    }

    /** Returns the loss in bits, loss / ln 2. */
    public double bitsPerCharacter() {
        return loss / Math.log(2);
    }

    /** Returns the loss in bits per byte of UTF-8, so that models of other units compare; infinite if the bytes are unknown. */
    public double bitsPerByte() {
        return bitsPerCharacter() * characters / bytes;
    }
}
