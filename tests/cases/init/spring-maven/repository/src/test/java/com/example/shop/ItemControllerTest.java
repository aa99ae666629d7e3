package com.example.shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ItemControllerTest {
    @Test
    void thereAreTwoItems() {
        assertEquals(2, new ItemController().items().size());
    }
}
