package dev.libretto.train;

/**
 * The result of an evaluation.
 *
 * @param characters the number of characters predicted
 * @param loss mean cross entropy in nats per character
 */
public record Evaluation(long characters, double loss) {
    /** Returns the perplexity, exp(loss): a uniform choice among that many characters is as uncertain. */
    public double perplexity() {
        return Math.exp(loss);
    }

    /** Returns the loss in bits, loss / ln 2. */
    public double bitsPerCharacter() {
        return loss / Math.log(2);
    }
}
