package dev.libretto;

import dev.libretto.text.Ids;
import java.util.HashMap;
import java.util.Map;

/** The model of a text that knows only the character before the one to predict. */
public final class BigramModel {
    private BigramModel() {}

    /** Returns the perplexity of the text's own bigram frequencies, which no other model of bigrams can undercut. */
    public static double perplexity(Ids text) {
        Map<Integer, Integer> characters = new HashMap<>();
        Map<Integer, Map<Integer, Integer>> pairs = new HashMap<>();
        for (long i = 0; i + 1 < text.length(); i++) {
            characters.merge(text.at(i), 1, Integer::sum);
            pairs.computeIfAbsent(text.at(i), id -> new HashMap<>()).merge(text.at(i + 1), 1, Integer::sum);
        }
        double loss = 0;
        for (Map.Entry<Integer, Map<Integer, Integer>> next : pairs.entrySet()) {
            double before = characters.get(next.getKey());
            for (int count : next.getValue().values()) {
                loss -= count * Math.log(count / before);
            }
        }
        return Math.exp(loss / (text.length() - 1));
    }
}
