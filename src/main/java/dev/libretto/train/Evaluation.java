package dev.libretto.train;

/**
 * How well a model predicts a text.
 *
 * @param characters how many characters were predicted
 * @param loss mean cross entropy in nats per character
 */
public record Evaluation(long characters, double loss) {
    /** exp(loss): among how many equally likely characters the model is as unsure. */
    public double perplexity() {
        return Math.exp(loss);
    }

    /** loss / ln 2. */
    public double bitsPerCharacter() {
        return loss / Math.log(2);
    }
}
