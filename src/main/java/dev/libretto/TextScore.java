package dev.libretto;

import dev.libretto.generate.ScoredCharacter;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * How likely a model finds a text. The first character is read, not predicted, and so are characters that the model does not
 * know, which it leaves out or reads as U+FFFD, as in {@link CharModel#evaluate}.
 *
 * @param characters one for each of the text, with the likeliest others in its place, and for a model of documents the end; the
 *     log-probability is NaN if the character is not predicted
 * @param unknown how many characters the model does not know
 */
public record TextScore(String text, List<ScoredCharacter> characters, int unknown) {
    /**
     * Returns the score of a text.
     *
     * @param predictions of the characters that the model knows, but the first; of a document all, and the end
     */
    public static TextScore of(String text, Vocabulary vocabulary, List<ScoredCharacter> predictions) {
        List<ScoredCharacter> characters = new ArrayList<>();
        Iterator<ScoredCharacter> next = predictions.iterator();
        boolean isFirst = !vocabulary.hasEnd();
        int unknown = 0;
        for (int codePoint : text.codePoints().toArray()) {
            int id = vocabulary.idOrUnknown(codePoint);
            boolean isPredicted = id != Ids.NONE && !isFirst;
            isFirst &= id == Ids.NONE;
            unknown += vocabulary.idOf(codePoint) < 0 ? 1 : 0;
            characters.add(isPredicted ? next.next() : new ScoredCharacter(id, Float.NaN, List.of()));
        }
        next.forEachRemaining(characters::add);
        return new TextScore(text, characters, unknown);
    }

    private boolean isPredicted(int index) {
        return !Float.isNaN(characters.get(index).logProbability());
    }

    /** Returns how many characters are predicted. */
    public int predicted() {
        return (int) characters.stream()
                .filter(character -> !Float.isNaN(character.logProbability()))
                .count();
    }

    /** Returns the natural logarithm of the probability of the predicted characters; 0 if there are none. */
    public double logProbability() {
        return characters.stream()
                .mapToDouble(ScoredCharacter::logProbability)
                .filter(logProbability -> !Double.isNaN(logProbability))
                .sum();
    }

    /** Returns the mean; NaN if no character is predicted. */
    public double logProbabilityPerCharacter() {
        return predicted() == 0 ? Double.NaN : logProbability() / predicted();
    }

    /** Returns the mean in bits, the lower the likelier; NaN if no character is predicted. */
    public double bitsPerCharacter() {
        return (0 - logProbabilityPerCharacter()) / Math.log(2);
    }

    /** Returns the same per byte of the predicted characters in UTF-8; NaN if they have no bytes, as the end of a document. */
    public double bitsPerByte() {
        int[] codePoints = text.codePoints().toArray();
        long bytes = 0;
        for (int i = 0; i < codePoints.length; i++) {
            bytes += isPredicted(i) ? Vocabulary.utf8Bytes(codePoints[i]) : 0;
        }
        return bytes == 0 ? Double.NaN : bitsPerCharacter() * predicted() / bytes;
    }
}
